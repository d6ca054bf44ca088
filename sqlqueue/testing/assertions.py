"""`assert_enqueued` and `refute_enqueued`: what waits in the database, as a test wants to know it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.errors import EncodingError
from sqlqueue.serialization.json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlqueue.app import SQLQueue
    from sqlqueue.store.ops.jobs import JobRow
    from sqlqueue.tasks.task import Task

WAITING = (State.READY, State.SCHEDULED, State.BLOCKED)

PAGE = 1000
"""Jobs read at a time."""


class Enqueued(NamedTuple):
    """A job that waits."""

    id: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    queue: str
    priority: int
    state: str

    def __str__(self) -> str:
        given = [repr(one) for one in self.args] + [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{self.task}({', '.join(given)}) in {self.queue}, {self.state}"


def enqueued(app: SQLQueue, task: Task[..., Any, Any] | str | None = None) -> list[Enqueued]:
    """Return the jobs that wait, the oldest first.

    Parameters
    ----------
    task: only those of this task.
    """
    name = task if task is None or isinstance(task, str) else task.name
    found = [_read(row, app) for state in WAITING for row in _rows(app, Which(task=name, state=state))]
    return sorted(found, key=lambda job: job.id)


def assert_enqueued(
    app: SQLQueue, task: Task[..., Any, Any] | str, args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None, *, queue: str | None = None, count: int | None = None,
) -> list[Enqueued]:  # fmt: skip
    """Fail unless a job of the task waits; return those that do.

    Parameters
    ----------
    args, kwargs, queue: what the jobs must have, if said. Arguments are compared as calls gave them, not by parameter.
    count: how many there must be; None: one at least.
    """
    matching = _matching(app, task, args, kwargs, queue)
    if len(matching) != count if count is not None else not matching:
        found = len(matching) if matching else "no"
        wanted = f"{found} job{'s' if len(matching) > 1 else ''}{'' if count is None else f', not {count},'}"
        verb = "wait" if len(matching) > 1 else "waits"
        raise AssertionError(f"{wanted} of {_said(task, args, kwargs, queue)} {verb}{_others(app)}")
    return matching


def refute_enqueued(
    app: SQLQueue, task: Task[..., Any, Any] | str, args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None, *, queue: str | None = None,
) -> None:  # fmt: skip
    """Fail when such a job waits."""
    matching = _matching(app, task, args, kwargs, queue)
    if matching:
        raise AssertionError(f"a job of {_said(task, args, kwargs, queue)} waits: {matching[0]}")


def _matching(
    app: SQLQueue, task: Task[..., Any, Any] | str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None,
    queue: str | None,
) -> list[Enqueued]:  # fmt: skip
    if args is not None and (isinstance(args, str) or not isinstance(args, Collection)):
        raise TypeError(f"args is {args!r}: give a tuple or a list, such as ({args!r},)")
    return [
        job
        for job in enqueued(app, task)
        if (args is None or job.args in (list(args), _stored(list(args))))
        and (kwargs is None or job.kwargs in (dict(kwargs), _stored(dict(kwargs))))
        and (queue is None or job.queue == queue)
    ]


def _stored(value: Any) -> Any:
    """Return arguments as they come back, with values for the members of enums, and lists for tuples."""
    try:
        return decode(encode(value))
    except EncodingError:  # such as mock.ANY, which is equal to anything
        return value


def _rows(app: SQLQueue, which: Which) -> Iterator[JobRow]:
    page = app.jobs.find(which, PAGE)
    while page:
        yield from page
        page = app.jobs.find(which, PAGE, page[-1].id) if len(page) == PAGE else []


def _read(row: JobRow, app: SQLQueue) -> Enqueued:
    args, kwargs = (decode(text, app.tasks.contents.argument) for text in (row.args, row.kwargs))
    return Enqueued(row.id, row.task, args, kwargs, row.queue, row.priority, str(row.state))


def _said(
    task: Task[..., Any, Any] | str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, queue: str | None
) -> str:
    said = {"args": args, "kwargs": kwargs, "queue": queue}
    conditions = ", ".join(f"{name}={value!r}" for name, value in said.items() if value is not None)
    name = task if isinstance(task, str) else task.name
    return f"{name} with {conditions}" if conditions else name


def _others(app: SQLQueue) -> str:
    there = [str(job) for job in enqueued(app)[:10]]
    return "; these do: " + "; ".join(there) if there else "; nothing does"

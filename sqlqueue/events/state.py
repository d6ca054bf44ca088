"""`State`: the workers and tasks of a stream of events, as far as it told of them. Pure; the names are Celery's.

It knows what it was told, and no more: for what is, ask the tables (``app.jobs``, ``app.queues``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.domain.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

WINDOW = 2.0
"""A worker lives as long as its last heartbeat is not older than so many of its intervals."""

FREQ = 60.0
"""Seconds between two heartbeats of a worker that does not say."""

STATES = {
    "sent": "PENDING", "received": "RECEIVED", "started": "STARTED", "succeeded": "SUCCESS", "failed": "FAILURE",
    "retried": "RETRY", "revoked": "REVOKED", "rejected": "REJECTED",
}  # fmt: skip
"""What a task's event makes of it."""

LATEST_FIRST = ("SUCCESS", "FAILURE", "REVOKED", "STARTED", "RECEIVED", "REJECTED", "RETRY", "PENDING")
"""Events may come out of order: an earlier state does not replace a later one, but what it says of the task is kept."""

READY = frozenset({"SUCCESS", "FAILURE", "REVOKED"})

ABOUT_A_TASK = (
    "name", "args", "kwargs", "eta", "expires", "retries", "worker", "result", "exception", "timestamp", "runtime",
    "traceback", "queue", "exchange", "routing_key", "root_id", "parent_id", "client", "clock", "pid", "terminated",
    "signum", "expired", "requeue", "reason", *STATES,
)  # fmt: skip
INFO = ("args", "kwargs", "retries", "result", "eta", "runtime", "expires", "exception", "exchange", "routing_key",
        "root_id", "parent_id")  # fmt: skip


class Worker:
    """A worker that was told of."""

    def __init__(self, hostname: str) -> None:
        self.hostname = hostname
        self.pid: int | None = None
        self.freq = FREQ
        self.heartbeats: list[float] = []
        self.clock = 0
        self.active: int | None = None
        self.processed: int | None = None
        self.loadavg: Any = None
        self.sw_ident = self.sw_ver = self.sw_sys = None

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname} ({self.status_string})>"

    @property
    def id(self) -> str:
        """Its name."""
        return self.hostname

    @property
    def heartbeat_expires(self) -> float:
        """Until when it counts as living, in seconds since 1970; by this machine's clock."""
        return self.heartbeats[-1] + (self.freq or FREQ) * WINDOW if self.heartbeats else 0.0

    @property
    def alive(self) -> bool:
        """Whether it has been heard of lately, and has not said that it ends."""
        return _now() < self.heartbeat_expires

    @property
    def status_string(self) -> str:
        """ONLINE or OFFLINE."""
        return "ONLINE" if self.alive else "OFFLINE"

    def event(self, subject: str, event: Mapping[str, Any]) -> None:
        """Take note of an event of it."""
        for name in ("pid", "freq", "clock", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"):
            if event.get(name) is not None:
                setattr(self, name, event[name])
        if subject == "offline":
            self.heartbeats = []
        elif subject in ("online", "heartbeat"):
            heard = event.get("local_received") or event.get("timestamp") or _now()
            self.heartbeats = sorted([*self.heartbeats, heard])[-4:]


class Task:
    """A job that was told of; what was not told is None."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.state = "PENDING"
        vars(self).update(dict.fromkeys(ABOUT_A_TASK))
        self.retries = 0
        self.timestamp = 0.0

    def __repr__(self) -> str:
        return f"<Task: {self.name}({self.uuid}) {self.state} clock:{self.clock}>"

    def __getattr__(self, name: str) -> Any:
        """Return None for what a task may have and was not told of."""
        if name in ABOUT_A_TASK:
            return None
        raise AttributeError(name)

    @property
    def id(self) -> str:
        """Its id."""
        return self.uuid

    @property
    def ready(self) -> bool:
        """Whether it is over."""
        return self.state in READY

    def event(self, subject: str, event: Mapping[str, Any]) -> None:
        """Take note of an event of it."""
        state = STATES.get(subject, subject.upper())
        timestamp = event.get("timestamp") or _now()
        setattr(self, subject, timestamp) if subject in STATES else None
        said = {name: event[name] for name in ABOUT_A_TASK if event.get(name) is not None and name not in STATES}
        if "RETRY" not in (state, self.state) and _rank(state) > _rank(self.state):
            said = {name: value for name, value in said.items() if getattr(self, name) is None}
        else:
            said["timestamp"] = timestamp
            self.state = state
        vars(self).update(said)

    def info(self, fields: Any = None, extra: Any = ()) -> dict[str, Any]:
        """Return what is known of it, of these names."""
        names = [*(INFO if fields is None else fields), *extra]
        return {name: getattr(self, name) for name in names if getattr(self, name, None) is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known of it."""
        return dict(vars(self))


class State:
    """What was told since it was made; give its `event` to a receiver: ``Receiver(handlers={"*": state.event})``.

    Parameters
    ----------
    callback: called with the state and each event, when that has been taken note of.
    max_workers_in_memory, max_tasks_in_memory: beyond, those are forgotten of which nothing was heard for the longest.
    """

    def __init__(
        self, callback: Callable[[State, dict[str, Any]], object] | None = None, *, max_workers_in_memory: int = 5000,
        max_tasks_in_memory: int = 10_000,
    ) -> None:  # fmt: skip
        self.event_callback = callback
        self.max_workers_in_memory = max_workers_in_memory
        self.max_tasks_in_memory = max_tasks_in_memory
        self.workers: OrderedDict[str, Worker] = OrderedDict()
        self.tasks: OrderedDict[str, Task] = OrderedDict()
        self.event_count = self.task_count = 0
        self.dropped = 0
        """Events of which workers have said that they were too many to be told."""
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<State: events={self.event_count} tasks={self.task_count}>"

    def event(self, event: dict[str, Any]) -> tuple[tuple[Worker | Task | None, bool], str]:
        """Take note of an event; return whom it is of, whether that is new, and what it tells."""
        group, _, subject = event["type"].partition("-")
        with self._lock:
            self.event_count += 1
            found = self._heard(group, subject, event)
            if self.event_callback is not None:
                self.event_callback(self, event)
        return found, subject

    def _heard(self, group: str, subject: str, event: dict[str, Any]) -> tuple[Worker | Task | None, bool]:
        if group == "worker":
            worker, new = self.get_or_create_worker(event["hostname"])
            worker.event(subject, event)
            return worker, new
        if group == "task" and event.get("uuid"):
            task, new = self.get_or_create_task(event["uuid"])
            task.event(subject, event)
            if subject == "sent":
                vars(task)["client"] = event["hostname"]
            else:
                vars(task)["worker"], _ = self.get_or_create_worker(event["hostname"])
            self.task_count += new
            return task, new
        if group == "events":
            self.dropped += event.get("count", 0)
        return None, False

    def get_or_create_worker(self, hostname: str) -> tuple[Worker, bool]:
        """Return a worker by its name, and whether that is new."""
        return _found(self.workers, hostname, Worker, self.max_workers_in_memory)

    def get_or_create_task(self, uuid: str) -> tuple[Task, bool]:
        """Return a task by its id, and whether that is new."""
        return _found(self.tasks, uuid, Task, self.max_tasks_in_memory)

    def alive_workers(self) -> list[Worker]:
        """Return the workers that live."""
        with self._lock:
            return [worker for worker in self.workers.values() if worker.alive]

    def itertasks(self, limit: int | None = None) -> Iterator[tuple[str, Task]]:
        """Yield ids and tasks, those first of which was heard first."""
        with self._lock:
            found = list(self.tasks.items())
        yield from found[:limit]

    def tasks_by_time(self, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, Task]]:
        """Yield ids and tasks by the time of what was last told of them, the newest first."""
        with self._lock:
            found = sorted(self.tasks.items(), key=lambda one: one[1].timestamp, reverse=reverse)
        yield from found[:limit]

    tasks_by_timestamp = tasks_by_time

    def tasks_by_type(self, name: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, Task]]:
        """The same, of the tasks of one name."""
        found = [one for one in self.tasks_by_time(reverse=reverse) if one[1].name == name]
        yield from found[:limit]

    def tasks_by_worker(
        self, hostname: str, limit: int | None = None, reverse: bool = True
    ) -> Iterator[tuple[str, Task]]:
        """The same, of the tasks of one worker."""
        found = [one for one in self.tasks_by_time(reverse=reverse) if one[1].worker and one[1].worker.id == hostname]
        yield from found[:limit]

    def task_types(self) -> list[str]:
        """Return the names of the tasks, sorted."""
        with self._lock:
            return sorted({task.name for task in self.tasks.values() if task.name is not None})

    def clear(self, ready: bool = True) -> None:
        """Forget the workers, the counts, and the tasks that are over; without ``ready`` all tasks."""
        with self._lock:
            self.workers.clear()
            self.clear_tasks(ready)
            self.event_count = self.task_count = 0

    def clear_tasks(self, ready: bool = True) -> None:
        """Forget the tasks that are over; without ``ready`` all."""
        with self._lock:
            kept = {uuid: task for uuid, task in self.tasks.items() if not task.ready} if ready else {}
            self.tasks = OrderedDict(kept)


def _found(known: OrderedDict[str, T], key: str, make: Callable[[str], T], most: int) -> tuple[T, bool]:
    new = key not in known
    if new:
        known[key] = make(key)
        if len(known) > most:
            known.popitem(last=False)
    known.move_to_end(key)
    return known[key], new


def _rank(state: str) -> int:
    return LATEST_FIRST.index(state) if state in LATEST_FIRST else len(LATEST_FIRST)


def _now() -> float:
    return SYSTEM_CLOCK.now().timestamp()

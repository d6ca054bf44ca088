"""`State`: the workers and tasks of a stream of events, as far as it told of them. Pure; the names are Celery's.

It knows what it was told, and no more: for what is, ask the tables (``app.jobs``, ``app.queues``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.events.told import Task, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class By:
    """Tasks by something that they have: called with a value for ids and tasks, indexed with it for tasks."""

    def __init__(self, state: State, of: Callable[[Task], str | None]) -> None:
        self._state = state
        self._of = of

    def __call__(self, value: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, Task]]:
        """Yield ids and tasks, of which was told last first."""
        yield from [one for one in self._state.tasks_by_time(reverse=reverse) if self._of(one[1]) == value][:limit]

    def __getitem__(self, value: str) -> list[Task]:
        return [task for _, task in self(value)]


class State:
    """What was told since it was made; give its `event` to a receiver: ``Receiver(handlers={"*": state.event})``.

    Parameters
    ----------
    callback: called with the state and each event, when that has been taken note of.
    max_workers_in_memory, max_tasks_in_memory: beyond, those are forgotten of which nothing was heard for the longest.
    on_node_join, on_node_leave: called with a worker that begins or is heard of first, and with one that ends, which
    is then forgotten.
    """

    def __init__(
        self, callback: Callable[[State, dict[str, Any]], object] | None = None, *, max_workers_in_memory: int = 5000,
        max_tasks_in_memory: int = 10_000, on_node_join: Callable[[Worker], object] | None = None,
        on_node_leave: Callable[[Worker], object] | None = None,
    ) -> None:  # fmt: skip
        self.event_callback = callback
        self.max_workers_in_memory = max_workers_in_memory
        self.max_tasks_in_memory = max_tasks_in_memory
        self.on_node_join = on_node_join
        self.on_node_leave = on_node_leave
        self.workers: OrderedDict[str, Worker] = OrderedDict()
        self.tasks: OrderedDict[str, Task] = OrderedDict()
        self.event_count = self.task_count = 0
        self.dropped = 0
        """Events of which workers have said that they were too many to be told."""
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<State: events={self.event_count} tasks={self.task_count}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept of it in a file: not whom it calls."""
        with self._lock:
            nobody = {"event_callback": None, "on_node_join": None, "on_node_leave": None}
            return {name: value for name, value in (vars(self) | nobody).items() if name != "_lock"}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept)
        self._lock = threading.RLock()

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
        hostname = event.get("hostname")
        if group == "worker" and hostname:
            return self._heard_of_worker(hostname, subject, event)
        if group == "task" and hostname and event.get("uuid"):
            task, new = self.get_or_create_task(event["uuid"])
            task.event(subject, event)
            if subject == "sent":
                vars(task)["client"] = hostname
            else:
                worker, _ = self.get_or_create_worker(hostname)
                worker.event("heartbeat", {"local_received": event.get("local_received")})
                vars(task)["worker"] = worker
            self.task_count += new
            return task, new
        if group == "events":
            self.dropped += event.get("count", 0)
        return None, False

    def _heard_of_worker(self, hostname: str, subject: str, event: dict[str, Any]) -> tuple[Worker, bool]:
        leaves = subject == "offline"
        if leaves and hostname not in self.workers:
            worker, new = Worker(hostname), False
        else:
            worker, new = self.get_or_create_worker(hostname)
        worker.event(subject, event)
        if self.on_node_join is not None and (new or subject == "online"):
            self.on_node_join(worker)
        if self.on_node_leave is not None and leaves:
            self.on_node_leave(worker)
            self.workers.pop(hostname, None)
        return worker, new

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

    @property
    def tasks_by_type(self) -> By:
        """The tasks of one name: ``tasks_by_type("shop.mail", limit=10)``."""
        return By(self, lambda task: task.name)

    @property
    def tasks_by_worker(self) -> By:
        """The tasks of one worker."""
        return By(self, lambda task: task.worker and task.worker.hostname)

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

    def freeze_while(self, function: Callable[..., T], *args: Any, clear_after: bool = False, **kwargs: Any) -> T:
        """Call a function; no event is taken note of until it returns. Then, perhaps, forget; see `clear`."""
        with self._lock:
            try:
                return function(*args, **kwargs)
            finally:
                if clear_after:
                    self.clear()

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

"""`Manager`: what integration tests ask of a running worker."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from sqlqueue.celery import states
from sqlqueue.client.group import ResultSet
from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import ResultTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlqueue.celery.app.base import Celery

IDLE_WITHIN = 60.0
"""Seconds until the worker must be idle."""


class Sentinel(Exception):
    """What was waited for has not happened yet."""


class ManagerMixin:
    """Adds the helpers to a class that has an ``app``."""

    app: Celery

    def _init_manager(
        self, block_timeout: float = 1800.0, no_join: bool = False, stdout: Any = None, stderr: Any = None,
    ) -> None:  # fmt: skip
        self.stdout, self.stderr = stdout or sys.stdout, stderr or sys.stderr
        self.block_timeout, self.no_join = block_timeout, no_join

    def remark(self, text: str, sep: str = "-") -> None:
        """Say something."""
        self.stdout.write(f"{sep}{text}\n")

    def warn(self, text: str) -> None:
        """Say something on stderr."""
        self.stderr.write(f"{text}\n")

    def wait_for(
        self, fun: Callable[..., Any], catch: Any, desc: str = "thing", args: Sequence[Any] = (), kwargs: Any = None,
        max_retries: int = 10, interval_start: float = 0.1, **options: Any,
    ) -> Any:  # fmt: skip
        """Call ``fun`` until it raises none of ``catch``; the last exception is raised."""
        pause, rest = threading.Event(), interval_start
        for _ in range(max_retries):
            try:
                return fun(*args, **(kwargs or {}))
            except catch:
                pause.wait(rest)
                rest = min(rest + options.get("interval_step", 0.5), options.get("interval_max", 5.0))
        return fun(*args, **(kwargs or {}))

    retry_over_time = wait_for

    def ensure_not_for_a_while(self, fun: Callable[..., Any], catch: Any, desc: str = "thing", **options: Any) -> None:
        """Raise AssertionError if ``fun`` raises none of ``catch`` once within a while."""
        try:
            self.wait_for(fun, catch, **{"max_retries": 20, "interval_step": 0.02, "interval_max": 1.0, **options})
        except catch:
            return
        raise AssertionError(f"should not have happened: {desc}")

    def join(self, result: Any, propagate: bool = False, max_retries: int = 10, **kwargs: Any) -> Any:
        """Wait for a result or several."""
        if self.no_join:
            return None
        results = result if isinstance(result, ResultSet) else self.app.ResultSet([result])
        for _ in range(max_retries or sys.maxsize):
            try:
                return results.get(propagate=propagate, **kwargs)
            except ResultTimeout as error:
                self.remark(f"still waiting for some of {len(results)}: {error!r}", "!")
        raise AssertionError("Test failed: Missing task results")

    def inspect(self, timeout: float = 3.0) -> Any:
        """Return what asks the workers."""
        return self.app.control.inspect(timeout=timeout)

    def query_tasks(self, ids: Iterable[str], timeout: float = 0.5) -> Iterator[Any]:
        """Yield each worker with what it knows of these jobs."""
        yield from (self.inspect(timeout).query_task(*ids) or {}).items()

    def query_task_states(self, ids: Iterable[str], timeout: float = 0.5) -> dict[str, set[str]]:
        """Return the jobs by what the workers do with them."""
        found: dict[str, set[str]] = {}
        for _, reply in self.query_tasks(ids, timeout):
            for task_id, (state, _about) in reply.items():
                found.setdefault(state, set()).add(task_id)
        return found

    def assert_accepted(self, ids: Sequence[str], interval: float = 0.5, **policy: Any) -> Any:
        """Wait until workers have begun these jobs."""
        return self._assert_known(ids, {"active", "ready"}, interval, policy)

    def assert_received(self, ids: Sequence[str], interval: float = 0.5, **policy: Any) -> Any:
        """Wait until workers have claimed these jobs."""
        return self._assert_known(ids, {"reserved", "active", "ready"}, interval, policy)

    def _assert_known(self, ids: Sequence[str], wanted: set[str], interval: float, policy: dict[str, Any]) -> Any:
        def known() -> bool:
            found = self.query_task_states(ids, interval)
            return set(ids) <= {id_ for state, some in found.items() if state in wanted for id_ in some}

        return self.wait_for(lambda: self.true_or_raise(known), (Sentinel,), **policy)

    def assert_result_tasks_in_progress_or_completed(
        self, async_results: Sequence[Any], interval: float = 0.5, **policy: Any,
    ) -> Any:  # fmt: skip
        """Wait until these jobs have begun."""

        def begun() -> bool:
            return all(one.state in (states.STARTED, states.SUCCESS) for one in async_results)

        return self.wait_for(lambda: self.true_or_raise(begun), (Sentinel,), **policy)

    def true_or_raise(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what ``fun`` returns, or raise `Sentinel` if that is false."""
        found = fun(*args, **kwargs)
        if not found:
            raise Sentinel
        return found

    def wait_until_idle(self) -> None:
        """Throw away what waits, and wait until no worker runs anything."""
        until, pause = monotonic() + IDLE_WITHIN, threading.Event()
        while self.app.control.purge():
            pass
        inspect = self.app.control.inspect()
        while any((inspect.active() or {}).values()):
            if monotonic() > until:
                raise ResultTimeout(f"the workers were not idle within {IDLE_WITHIN:g} s")
            pause.wait(0.1)


class Manager(ManagerMixin):
    """The helpers for one app."""

    def __init__(self, app: Celery, **options: Any) -> None:
        self.app = app
        self._init_manager(**options)

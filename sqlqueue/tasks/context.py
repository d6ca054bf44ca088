"""What a running task may ask about its own job: ``self.request``."""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlqueue.client.contents import PLAIN
from sqlqueue.client.workflow import NO_ANCESTRY, Ancestry
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.serialization.json import decode
from sqlqueue.serialization.signing import signed_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlqueue.client.contents import Contents
    from sqlqueue.client.transaction import TaskTransaction
    from sqlqueue.domain.job import Job
    from sqlqueue.errors import Retry


class Context:
    """The job that runs, under Celery's names; outside a job everything is empty.

    Nothing is decoded until it is asked for: most tasks never ask.
    """

    __slots__ = ("_children", "_contents", "_job", "again", "hostname", "is_eager", "may_wait", "told", "transaction")

    def __init__(
        self, job: Job | None = None, hostname: str | None = None, contents: Contents = PLAIN, *, eager: bool = False
    ) -> None:
        self._job = job
        self._contents = contents
        self.hostname = hostname
        self.is_eager = eager
        self.may_wait = eager or job is None
        self._children: list[Any] | None = None
        self.transaction: TaskTransaction | None = None
        self.told: tuple[str, Any] | None = None
        self.again: Retry | None = None  # what self.retry() has asked for, whether the task raises it or not

    def insist(self) -> None:
        """Raise the `Retry` that the task has asked for and not raised itself, if there is one."""
        if self.again is not None:
            raise self.again

    @property
    def called_directly(self) -> bool:
        """Whether the function was simply called, without a job."""
        return self._job is None

    @property
    def id(self) -> str | None:
        """The job's id."""
        return self._job.id if self._job else None

    @property
    def task(self) -> str | None:
        """The task's name."""
        return self._job.task if self._job else None

    @property
    def args(self) -> list[Any]:
        """The job's positional arguments."""
        return decode(self._job.args, self._contents.argument) if self._job else []

    @property
    def kwargs(self) -> dict[str, Any]:
        """The job's keyword arguments."""
        return decode(self._job.kwargs, self._contents.argument) if self._job else {}

    @property
    def headers(self) -> dict[str, Any]:
        """What travels with the job."""
        return decode(self._job.headers, self._contents.argument) if self._job and self._job.headers else {}

    @property
    def root_id(self) -> str | None:
        """The job with which all that began: this one, when nobody's task has sent it."""
        return (self._job.root_id or self._job.id) if self._job else None

    @property
    def parent_id(self) -> str | None:
        """The job that sent this one, or that comes before it in its workflow."""
        return self._job.parent_id if self._job else None

    @property
    def group(self) -> str | None:
        """The group that it is a member of."""
        return self._job.group_id if self._job else None

    @property
    def stamped_headers(self) -> list[str]:
        """The names of the stamps that were put on it."""
        found: list[str] = self.headers.get("stamped_headers", [])
        return found

    @property
    def stamps(self) -> dict[str, Any]:
        """The stamps that were put on it, each with its values."""
        headers = self.headers
        return {name: headers[name] for name in headers.get("stamped_headers", [])}

    @property
    def retries(self) -> int:
        """How often the job has been retried."""
        return self._job.retries if self._job else 0

    @property
    def attempt(self) -> int:
        """Which run of the job this is, from 1; grows with retries and with crashes."""
        return self._job.attempt if self._job else 0

    @property
    def queue(self) -> str | None:
        """Where the job waited."""
        return self._job.queue if self._job else None

    @property
    def priority(self) -> int:
        """The job's priority."""
        return self._job.priority if self._job else 0

    @property
    def fence(self) -> int:
        """The claim token: grows with every claim, so that an outside system can refuse a stale run."""
        return self._job.token if self._job else 0

    @property
    def delivery_info(self) -> dict[str, Any]:
        """Where the job came from, in Celery's form; redelivered when an earlier run of it was cut off."""
        if self._job is None:
            return {}
        again = self._job.attempt > self._job.retries + 1
        return {"exchange": "", "routing_key": self.queue, "priority": self.priority, "redelivered": again}

    @property
    def eta(self) -> str | None:
        """When the job was due, ISO text; of a retry, when that was. None when it was due at once."""
        return self._moment("eta")

    @property
    def expires(self) -> str | None:
        """When the job must not start any more, ISO text."""
        return self._moment("expires")

    def _moment(self, name: str) -> str | None:
        found = json.loads(self._job.moments)[name] if self._job and self._job.moments else None
        return SYSTEM_CLOCK.shown(datetime.fromisoformat(found).astimezone(UTC)).isoformat() if found else None

    @property
    def time_limit(self) -> float | None:
        """The seconds after which this call wants the run to be ended; None: as its task says."""
        return self.asked().get("time_limit")

    @property
    def soft_time_limit(self) -> float | None:
        """The seconds after which this call wants to be warned; None: as its task says."""
        return self.asked().get("soft_time_limit")

    @property
    def timelimit(self) -> list[float | None]:
        """Both limits of this call, the hard one first, as Celery has them."""
        return [self.time_limit, self.soft_time_limit]

    @property
    def children(self) -> list[Any]:
        """Handles on what this run has sent so far."""
        return self._children or []

    def sent(self, result: object) -> None:
        """Take note of what this run has sent."""
        self._children = [*self.children, result]

    @property
    def properties(self) -> dict[str, Any]:
        """What Celery reads from a broker's message, as far as it means something here."""
        return {"correlation_id": self.id, "priority": self.priority, "delivery_info": self.delivery_info}

    @property
    def correlation_id(self) -> str | None:
        """The job's id once more, as Celery has it."""
        return self.id

    @property
    def ignore_result(self) -> bool:
        """Whether what the task returns is not kept."""
        return bool(self.asked().get("ignore_result"))

    @property
    def replaced_task_nesting(self) -> int:
        """How many jobs have replaced each other before this one."""
        return int(self.headers.get("replaced_task_nesting", 0))

    @property
    def shadow(self) -> str | None:
        """The name that the caller wants to be shown instead of the task's."""
        return self.asked().get("shadow")

    @property
    def argsrepr(self) -> str:
        """The positional arguments as text to show."""
        return str(self.asked().get("argsrepr") or tuple(self.args))

    @property
    def kwargsrepr(self) -> str:
        """The named arguments as text to show."""
        return str(self.asked().get("kwargsrepr") or self.kwargs)

    def __getattr__(self, name: str) -> Any:
        """Return a header of that name; what Celery knows besides and has no meaning here is None."""
        if not name.startswith("_"):
            headers = self.headers
            if name in headers:
                return headers[name]
            if name in MEANINGLESS:
                return None
        raise AttributeError(f"a job's request has no {name!r}; a header of that name would be found here")

    def get(self, name: str, default: Any = None) -> Any:
        """Return one of these by its name, or ``default``."""
        return getattr(self, name, default)

    def signed_again(self, change: str, keys: Sequence[str]) -> str:
        """Return what another try changes of the job, signed with the first of ``keys``, if there are any."""
        return signed_again(self._job, change, keys) if self._job else change

    def asked(self) -> dict[str, Any]:
        """What this call asks of the worker that is not the default."""
        return json.loads(self._job.options) if self._job and self._job.options else {}


MEANINGLESS = frozenset(
    ("callbacks", "chain", "chord", "errbacks", "group_index", "logfile", "loglevel", "origin", "reply_to", "taskset")
)
"""Names of Celery's request that say nothing here: what follows on a job are rows, not part of it."""

OUTSIDE = Context()

current_job: ContextVar[Context] = ContextVar("sqlqueue_current_job", default=OUTSIDE)
"""The one ambient value of a running task."""


def ancestry() -> Ancestry:
    """Return the family of what the running task sends."""
    context = current_job.get()
    return NO_ANCESTRY if context is OUTSIDE else Ancestry(context.id, context.root_id, context.priority)


def sent(result: object) -> None:
    """Take note of what the running task has sent."""
    context = current_job.get()
    if context is not OUTSIDE:
        context.sent(result)


def ask_again(retry: Retry) -> None:
    """Take note that the running task wants another try."""
    context = current_job.get()
    if context is not OUTSIDE:
        context.again = retry


def may_wait() -> bool:
    """Tell whether code that runs here may wait for other jobs: any, but a task that was not allowed to."""
    return current_job.get().may_wait


@contextmanager
def allow_join_result() -> Iterator[None]:
    """Let the running task wait for other jobs while the block lasts."""
    context = current_job.get()
    before, context.may_wait = context.may_wait, True
    try:
        yield
    finally:
        context.may_wait = before

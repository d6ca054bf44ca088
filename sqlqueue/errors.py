"""Everything sqlqueue raises on purpose, named by what the catcher can do about it.

::

    SqlqueueError
    ├─ ConfigError                    fix the settings, the app or the command line
    ├─ TaskError                      fix the task or the call
    │  ├─ NotRegistered               no task of that name here
    │  ├─ DuplicateTask               two functions claim one name
    │  ├─ TransactionEnded            a transactional task commits or rolls back by itself
    │  └─ SignatureMismatch           the arguments do not fit the function (also a TypeError)
    ├─ EnqueueError                   nothing was enqueued; fix the call
    │  ├─ EncodingError               an argument could never be stored (also a ValueError)
    │  ├─ NotUnique                   another job has its unique_key
    │  └─ BindingError                the connection given cannot carry the job
    ├─ ResultError                    what waiting for a job can end in
    │  ├─ ResultTimeout               not finished in time (also a TimeoutError)
    │  ├─ NotCommitted                its own transaction is still open: commit first
    │  ├─ WaitingInTask               a task waits for another job (also a RuntimeError)
    │  ├─ TaskFailed                  stand-in for an exception whose class is not imported here
    │  ├─ TaskRevoked                 the job was revoked
    │  ├─ ChordError                  it is the body of a chord of which a member failed
    │  ├─ TimeLimitExceeded           it ran for too long and was ended
    │  ├─ SoftTimeLimitExceeded       the same, by a warning that its task did not catch
    │  └─ WorkerLost                  its workers died too often
    └─ StoreError                     the database
       ├─ StoreUnavailable            cannot be reached, or is busy: try again
       │  └─ ConnectionLost           broke in the middle: nobody knows whether it was committed
       └─ SchemaError                 tables missing or of another version: `sqlqueue migrate`

Control flow for task authors, not errors: ``Retry``, ``Ignore``, ``Reject``; ``MaxRetriesExceeded`` is
what a job that may not be retried again ends in.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class SqlqueueError(Exception):
    """The root of everything sqlqueue raises on purpose."""


class ConfigError(SqlqueueError):
    """A setting, an app or a command-line value that must be fixed."""


class TaskError(SqlqueueError):
    """A task or a call of it that must be fixed."""


class NotRegistered(TaskError):
    """No task of that name is registered here."""


class DuplicateTask(TaskError):
    """Two functions claim one task name."""


class TransactionEnded(TaskError):
    """A transactional task has ended its transaction, which is committed with its job's success after it returns."""

    def __init__(self, *args: object) -> None:
        message = (
            "a transactional task must not commit or roll back: return, and its writes are committed together with its"
            " success; raise, and all are undone; use session.begin_nested() or a SAVEPOINT for a part"
        )
        super().__init__(*(args or (message,)))


class SignatureMismatch(TaskError, TypeError):
    """The arguments of a call do not fit the task's function."""


class EnqueueError(SqlqueueError):
    """Nothing was enqueued: the call must be fixed."""


class EncodingError(EnqueueError, ValueError):
    """A value that could never be stored; the message names the path to it."""


class UntrustedJob(TaskError):
    """A job that no key of ``task_signing_keys`` has signed, or whose row was changed since: its task is not called."""


class NotUnique(EnqueueError):
    """Another job has the call's ``unique_key``, and the call said ``on_conflict="raise"``.

    Parameters
    ----------
    job_id: the job that has it.
    """

    def __init__(self, key: str, job_id: str) -> None:
        super().__init__(f"job {job_id} has the unique_key {key!r}")
        self.key = key
        self.job_id = job_id


class BindingError(EnqueueError):
    """The connection or session given cannot carry the job."""


class ResultError(SqlqueueError):
    """What waiting for a job can end in."""


class ResultTimeout(ResultError, TimeoutError):
    """The job did not finish in the time given."""


class NotCommitted(ResultError):
    """The job's own transaction is still open, so waiting for it would last for ever."""


class WaitingInTask(ResultError, RuntimeError):
    """A task waits for another job and keeps its slot: when all do so, nothing goes on."""

    def __init__(self, *args: object) -> None:
        message = (
            "never wait for a result inside a task: when every slot waits, nothing runs. Make a chain or a chord of the"
            " two, or say get(disable_sync_subtasks=False) or `with allow_join_result():`"
        )
        super().__init__(*(args or (message,)))


class TaskFailed(ResultError):
    """Stand-in for a task's exception whose class is not imported in this process.

    Parameters
    ----------
    name: the exception's class, ``module.qualname``.
    message: what ``str()`` of the exception gave.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message


class TaskRevoked(ResultError):
    """The job was revoked before it finished."""


class ChordError(ResultError):
    """A member of the chord's header failed, or their results are too large together, so its body never ran."""


class WorkerLost(ResultError):
    """The job's worker died while running it, and it may not run again."""


class TimeLimitExceeded(ResultError):
    """The job ran longer than its ``time_limit`` and was ended."""


class SoftTimeLimitExceeded(ResultError):
    """Raised in a task that has run for ``soft_time_limit`` seconds, so that it can clean up and give up."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or ("the job has run for as long as its soft time limit allows",)))


class StoreError(SqlqueueError):
    """The database refused or failed."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or is busy; trying again may help."""


class ConnectionLost(StoreUnavailable):
    """The connection broke while it was used: whether that was committed, only the database knows."""


class SchemaError(StoreError):
    """The tables are missing or of another version; ``sqlqueue migrate`` mends it."""


class NoWorkerWarning(UserWarning):
    """A caller waits for a job whose queue no live worker serves."""


class AlwaysEagerIgnored(UserWarning):
    """A job was sent by its task's name, though ``task_always_eager`` is on."""


class Retry(Exception):
    """Raised by ``self.retry()``, or by the task itself: run this job again later.

    Parameters
    ----------
    message: what to say instead of ``retry in ... s``.
    exc: the exception that made it necessary, kept as the job's last error.
    when: seconds to wait, or a moment; None: at once.
    change: JSON text: what the job is to have instead; see ``tasks.again``.
    """

    def __init__(
        self,
        message: str | None = None,
        exc: BaseException | None = None,
        when: float | timedelta | datetime | None = None,
        *,
        change: str | None = None,
    ) -> None:
        self.message = message
        self.exc = exc
        self.when = when
        self.change = change
        super().__init__(message or self.humanize() + (f": {exc!r}" if exc else ""))

    def humanize(self) -> str:
        """Say when."""
        if isinstance(self.when, datetime):
            return f"retry at {self.when}"
        return f"retry in {seconds_of(self.when):g} s"


def seconds_of(when: float | timedelta | None) -> float:
    """Return the seconds of a span of time; raises EnqueueError when it is none."""
    if isinstance(when, timedelta):
        return when.total_seconds()
    if when is None:
        return 0.0
    if isinstance(when, bool) or not isinstance(when, int | float):
        raise EnqueueError(f"Retry(when=...) is {when!r}: use seconds, or a datetime")
    return float(when)


class Ignore(Exception):
    """Raised by a task that wants no result: the job succeeds with None."""


class Reject(Exception):
    """Raised by a task that refuses its job: it fails, or goes back when ``requeue`` is true."""

    def __init__(self, reason: object = None, *, requeue: bool = False) -> None:
        super().__init__(f"rejected: {reason}")
        self.reason = reason
        self.requeue = requeue


class MaxRetriesExceeded(TaskError):
    """``self.retry()`` was called once more than the task allows."""

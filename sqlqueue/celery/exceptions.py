"""Celery's names for errors. Most are ours under another name, so that either is caught by the other."""

from __future__ import annotations

from sqlqueue.errors import (
    AlwaysEagerIgnored,
    ChordError,
    ConfigError,
    DuplicateTask,
    EnqueueError,
    Ignore,
    MaxRetriesExceeded,
    NotRegistered,
    Reject,
    ResultError,
    ResultTimeout,
    Retry,
    SoftTimeLimitExceeded,
    SqlqueueError,
    StoreError,
    StoreUnavailable,
    TaskError,
    TaskRevoked,
    TimeLimitExceeded,
    WorkerLost,
)

CeleryError = SqlqueueError
TimeoutError = ResultTimeout  # noqa: A001 - Celery's name
TaskRevokedError = TaskRevoked
MaxRetriesExceededError = MaxRetriesExceeded
WorkerLostError = WorkerLost
ImproperlyConfigured = ConfigError
AlreadyRegistered = DuplicateTask
QueueNotFound = EnqueueError
OperationalError = StoreUnavailable
BackendError = StoreError
BackendStoreError = StoreError
BackendGetMetaError = StoreError
InvalidTaskError = TaskError
IncompleteStream = ResultError


class TaskPredicate(CeleryError):
    """Never raised: Celery's base of Retry, Ignore and Reject, which have none in common here."""


class SecurityError(CeleryError):
    """A message that is not signed, or not as it should be."""


class WorkerShutdown(SystemExit):
    """Raised to stop a worker warmly."""


class WorkerTerminate(SystemExit):
    """Raised to stop a worker at once."""


class CeleryWarning(UserWarning):
    """The root of Celery's warnings."""


class DuplicateNodenameWarning(CeleryWarning):
    """Two workers have one name."""


class DuplicateTaskNameWarning(CeleryWarning):
    """Two tasks have one name: an error here."""


class FixupWarning(CeleryWarning):
    """Something is odd about the framework around the app."""


class NotConfigured(CeleryWarning):
    """Nothing has been configured."""


class SecurityWarning(CeleryWarning):
    """What is done may not be safe."""


class Terminated(CeleryError):
    """A process was ended while it ran a task: jobs of such are revoked, or end as `WorkerLostError`."""


class CeleryCommandException(CeleryError):
    """A command line was wrong: never raised, since ours says so by itself."""


class CPendingDeprecationWarning(PendingDeprecationWarning):
    """Something will be deprecated."""


class CDeprecationWarning(DeprecationWarning):
    """Something is deprecated."""


__all__ = [
    "AlreadyRegistered",
    "AlwaysEagerIgnored",
    "BackendError",
    "BackendGetMetaError",
    "BackendStoreError",
    "CDeprecationWarning",
    "CeleryCommandException",
    "CeleryError",
    "CeleryWarning",
    "ChordError",
    "CPendingDeprecationWarning",
    "DuplicateNodenameWarning",
    "DuplicateTaskNameWarning",
    "FixupWarning",
    "Ignore",
    "ImproperlyConfigured",
    "IncompleteStream",
    "InvalidTaskError",
    "MaxRetriesExceededError",
    "NotConfigured",
    "NotRegistered",
    "OperationalError",
    "QueueNotFound",
    "Reject",
    "Retry",
    "SecurityError",
    "SecurityWarning",
    "SoftTimeLimitExceeded",
    "TaskError",
    "TaskPredicate",
    "TaskRevokedError",
    "Terminated",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
    "WorkerShutdown",
    "WorkerTerminate",
]

"""sqlqueue: the job queue that needs nothing but the SQL database you already run."""

from sqlqueue.app import SQLQueue
from sqlqueue.client.result import AsyncResult
from sqlqueue.config import Config
from sqlqueue.errors import (
    BindingError,
    ConfigError,
    ConnectionLost,
    EncodingError,
    EnqueueError,
    Ignore,
    MaxRetriesExceeded,
    NotCommitted,
    NotRegistered,
    NoWorkerWarning,
    Reject,
    ResultError,
    ResultTimeout,
    Retry,
    SchemaError,
    SignatureMismatch,
    SqlqueueError,
    StoreError,
    StoreUnavailable,
    TaskFailed,
    TaskRevoked,
    WorkerLost,
)
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.task import Task
from sqlqueue.version import __version__ as __version__

__all__ = [
    "AsyncResult",
    "BindingError",
    "Config",
    "ConfigError",
    "ConnectionLost",
    "current_job",
    "EncodingError",
    "EnqueueError",
    "Ignore",
    "MaxRetriesExceeded",
    "NotCommitted",
    "NotRegistered",
    "NoWorkerWarning",
    "Reject",
    "ResultError",
    "ResultTimeout",
    "Retry",
    "SchemaError",
    "SignatureMismatch",
    "SQLQueue",
    "SqlqueueError",
    "StoreError",
    "StoreUnavailable",
    "Task",
    "TaskFailed",
    "TaskRevoked",
    "WorkerLost",
]

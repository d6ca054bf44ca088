"""sqlqueue: the job queue that needs nothing but the SQL database you already run."""

from sqlqueue.app import SQLQueue
from sqlqueue.client.group import GroupResult, ResultSet
from sqlqueue.client.result import AsyncResult
from sqlqueue.config import Config
from sqlqueue.domain.broadcast import Broadcast
from sqlqueue.errors import (
    AlwaysEagerIgnored,
    BindingError,
    ChordError,
    ConfigError,
    ConnectionLost,
    EncodingError,
    EnqueueError,
    Ignore,
    MaxRetriesExceeded,
    NotCommitted,
    NotRegistered,
    NotUnique,
    NoWorkerWarning,
    Reject,
    ResultError,
    ResultTimeout,
    Retry,
    SchemaError,
    SignatureMismatch,
    SoftTimeLimitExceeded,
    SqlqueueError,
    StoreError,
    StoreUnavailable,
    TaskFailed,
    TaskRevoked,
    TimeLimitExceeded,
    TransactionEnded,
    UntrustedJob,
    WaitingInTask,
    WorkerLost,
)
from sqlqueue.serialization.serializers import register_serializer
from sqlqueue.tasks.context import allow_join_result, current_job
from sqlqueue.tasks.log import get_task_logger
from sqlqueue.tasks.over import chunks, xmap, xstarmap
from sqlqueue.tasks.shapes import chain, chord, group, signature
from sqlqueue.tasks.signature import Signature
from sqlqueue.tasks.stamping import StampingVisitor
from sqlqueue.tasks.task import Task
from sqlqueue.version import __version__ as __version__

__all__ = [
    "allow_join_result",
    "AlwaysEagerIgnored",
    "AsyncResult",
    "BindingError",
    "Broadcast",
    "chain",
    "chord",
    "ChordError",
    "chunks",
    "Config",
    "ConfigError",
    "ConnectionLost",
    "current_job",
    "EncodingError",
    "EnqueueError",
    "get_task_logger",
    "group",
    "GroupResult",
    "Ignore",
    "MaxRetriesExceeded",
    "NotCommitted",
    "NotRegistered",
    "NotUnique",
    "NoWorkerWarning",
    "register_serializer",
    "Reject",
    "ResultError",
    "ResultSet",
    "ResultTimeout",
    "Retry",
    "SchemaError",
    "Signature",
    "signature",
    "SignatureMismatch",
    "SoftTimeLimitExceeded",
    "SQLQueue",
    "SqlqueueError",
    "StampingVisitor",
    "StoreError",
    "StoreUnavailable",
    "Task",
    "TaskFailed",
    "TaskRevoked",
    "TimeLimitExceeded",
    "TransactionEnded",
    "UntrustedJob",
    "WaitingInTask",
    "WorkerLost",
    "xmap",
    "xstarmap",
]

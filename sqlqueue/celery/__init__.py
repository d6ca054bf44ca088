"""Celery's module layout over sqlqueue: ``from sqlqueue.celery import Celery`` is the whole port.

`install` registers it as ``celery``, for projects that cannot be edited. Compatibility lives here and nowhere else;
``docs/celery.md`` lists what is supported, mapped and refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.celery import _state as _state
from sqlqueue.celery import absent as absent
from sqlqueue.celery import canvas, exceptions, result, signals, states
from sqlqueue.celery._state import current_app, current_task
from sqlqueue.celery.app import Celery, shared_task
from sqlqueue.celery.app import trace as trace
from sqlqueue.celery.app.task import Task
from sqlqueue.celery.canvas import (
    Signature,
    chain,
    chord,
    chunks,
    group,
    maybe_signature,
    signature,
    subtask,
    xmap,
    xstarmap,
)
from sqlqueue.celery.installer import install
from sqlqueue.celery.utils import uuid

VERSION = (5, 7, 0)
"""The version of Celery whose names these are."""
__version__ = "5.7.0"

if not TYPE_CHECKING:  # or every name would be known to type checkers

    def __getattr__(name: str) -> None:
        """Say of a part of Celery that is not here what to use instead."""
        raise AttributeError(absent.message(name), name=name)


__all__ = [
    "canvas",
    "Celery",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "exceptions",
    "group",
    "install",
    "maybe_signature",
    "result",
    "shared_task",
    "Signature",
    "signature",
    "signals",
    "states",
    "subtask",
    "Task",
    "uuid",
    "xmap",
    "xstarmap",
]

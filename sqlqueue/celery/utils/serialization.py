"""Stands for exceptions whose class is not here: never raised, ours is `sqlqueue.TaskFailed`."""

from __future__ import annotations


class UnpickleableExceptionWrapper(Exception):
    """Celery's stand-in for an exception that cannot be pickled."""

    exc_cls_name = ""
    exc_args: tuple[object, ...] = ()

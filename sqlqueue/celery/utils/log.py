"""Loggers."""

from __future__ import annotations

import logging

from sqlqueue.tasks.log import get_task_logger

base_logger = logging.getLogger("celery")
task_logger = get_task_logger("celery.task")
worker_logger = logging.getLogger("celery.worker")


def get_logger(name: str) -> logging.Logger:
    """Return the logger of that name."""
    return logging.getLogger(name)


__all__ = ["base_logger", "get_logger", "get_task_logger", "task_logger", "worker_logger"]

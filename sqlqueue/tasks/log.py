"""Loggers for tasks; ``worker.logs`` puts the job's task and id before what they say."""

from __future__ import annotations

import logging

BASE = logging.getLogger("sqlqueue.task")


def get_task_logger(name: str) -> logging.Logger:
    """Return the logger of that name, as loud as the worker's ``--loglevel`` says."""
    logger = logging.getLogger(name)
    if logger.parent is logging.getLogger():
        logger.parent = BASE
    return logger

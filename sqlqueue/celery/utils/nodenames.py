"""Names of workers."""

from __future__ import annotations

import os
import socket

NODENAME_SEP, NODENAME_DEFAULT = "@", "celery"
gethostname = socket.gethostname


def nodename(name: str | None, hostname: str | None) -> str:
    """Return ``name@hostname``."""
    return f"{name or NODENAME_DEFAULT}@{hostname or gethostname()}"


def anon_nodename(hostname: str | None = None, prefix: str = "gen") -> str:
    """Return the name of this process as a node."""
    return nodename(f"{prefix}{os.getpid()}", hostname)


def nodesplit(name: str) -> tuple[str | None, str]:
    """Return a worker's name and host."""
    first, sep, host = name.partition(NODENAME_SEP)
    return (first, host) if sep else (None, first)


def default_nodename(hostname: str | None) -> str:
    """Return the full name that a worker of this name has."""
    name, host = nodesplit(hostname or "")
    return nodename(name, host)


def worker_direct(hostname: str) -> str:
    """Return the queue that only this worker serves, with the setting ``worker_direct``."""
    return f"{hostname}.dq2"

"""Whether a process on this host still lives: boot, process namespace, pid and start time.

A pid alone is not enough, it is used again; with its start time it names one process for ever (Linux).
"""

from __future__ import annotations

from pathlib import Path

UNKNOWN = "-"


def home_of(pid: int) -> str:
    """Return where the process can be looked up: ``boot/namespace/start``, with ``-`` for what cannot be known."""
    return "/".join((_boot(), _namespace(), start_of(pid) or UNKNOWN))


def is_gone(home: str, pid: int) -> bool | None:
    """Tell whether a process of that home is gone; None when it cannot be seen from here."""
    parts = home.split("/")
    if len(parts) != 3 or UNKNOWN in parts or (parts[0], parts[1]) != (_boot(), _namespace()):  # noqa: PLR2004
        return None
    return start_of(pid) != parts[2]


def start_of(pid: int) -> str | None:
    """Return a living process's start time in clock ticks since boot; None when there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return UNKNOWN


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return UNKNOWN

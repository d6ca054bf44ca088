"""Tells systemd how the service does: one datagram to ``$NOTIFY_SOCKET``; nothing where there is none."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(text: str) -> None:
    """Send a state such as ``READY=1``; a supervisor that does not listen is no reason to fail."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(text.encode(), address)


def watchdog_interval() -> float | None:
    """Return the seconds between two signs of life that systemd wants to see, None when it wants none."""
    asked, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not asked.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(asked) / 1e6 / 2


def show_life(*, running: bool) -> float:
    """Tell systemd's watchdog that the loops turn, and return when to do so again; it restarts who says nothing."""
    if running:
        notify("WATCHDOG=1")
    return watchdog_interval() or float("inf")

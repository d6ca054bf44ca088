"""Several services as one: started in the order of their list, stopped in reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Service(Protocol):
    """Anything that starts and stops."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Ask to end; returns at once."""

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end, up to ``timeout`` seconds; True if it has come."""


class ServiceGroup:
    """A list of services; whoever comes first outlives the others."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._started: list[Service] = []

    def start(self) -> None:
        """Start all in order; when one fails, stop those before it and raise."""
        try:
            for service in self._services:
                service.start()
                self._started.append(service)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float | None = 5.0) -> None:
        """Stop all in reverse, each after the one before it has ended or ``timeout`` seconds have passed."""
        while self._started:
            service = self._started.pop()
            service.stop()
            service.join(timeout)

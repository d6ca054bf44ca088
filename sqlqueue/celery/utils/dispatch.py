"""`Signal`."""

from __future__ import annotations

from sqlqueue.signals import Signal as _Signal


class Signal(_Signal):
    """A signal of one's own; ``providing_args`` and ``use_caching`` are taken and mean nothing."""

    def __init__(self, providing_args: object = None, use_caching: object = False, name: str | None = None) -> None:
        super().__init__(name or "signal")


__all__ = ["Signal"]

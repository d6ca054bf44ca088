"""Names of Celery's stores of results, for ``isinstance``: ours is none of them."""

from __future__ import annotations

from sqlqueue.celery import states
from sqlqueue.celery.app.parts import Backend


class KeyValueStoreBackend(Backend):
    """Celery's stores of keys and values."""


BaseKeyValueStoreBackend = KeyValueStoreBackend
BaseBackend = Backend

__all__ = ["Backend", "BaseBackend", "BaseKeyValueStoreBackend", "KeyValueStoreBackend", "states"]

"""Names of Celery's stores of results: ours gives each by its id, as those of keys and values do."""

from __future__ import annotations

from sqlqueue.celery import states
from sqlqueue.celery.app.parts import Backend

KeyValueStoreBackend = BaseKeyValueStoreBackend = Backend
BaseBackend = Backend

__all__ = ["Backend", "BaseBackend", "BaseKeyValueStoreBackend", "KeyValueStoreBackend", "states"]

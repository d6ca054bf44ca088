"""Celery's small helpers that its users import."""

from __future__ import annotations

import uuid as _uuid
from functools import cached_property as cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlqueue.celery.utils.nodenames import nodename as nodename
from sqlqueue.celery.utils.nodenames import worker_direct as worker_direct

if TYPE_CHECKING:
    from collections.abc import Iterator


def uuid() -> str:
    """Return a new id."""
    return str(_uuid.uuid4())


gen_unique_id = uuid


def chunks(it: Iterator[Any], n: int) -> Iterator[list[Any]]:
    """Yield the items of an iterator as lists of ``n``."""
    for item in it:
        yield [item, *islice(it, n - 1)]

"""Read what workers have answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.domain.control import Reply
from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def replies(dialect: Dialect, message_id: str) -> Op[list[Reply]]:
    """Return the answers to a command so far, in the order in which they came."""
    rows = yield from ask_last(dialect.sql.replies, message_id=message_id)
    return [Reply(worker, name, json.loads(reply)) for worker, name, reply in rows]

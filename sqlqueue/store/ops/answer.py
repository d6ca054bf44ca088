"""Answer a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.domain.control import Reply
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def answer(dialect: Dialect, message_id: str, reply: Reply) -> Op[None]:
    """Write what a worker has to say to a command; only its first answer counts."""
    yield from ask_last(
        dialect.sql.answer,
        message_id=message_id,
        worker=reply.worker,
        name=reply.name,
        reply=json.dumps(reply.reply, default=repr),
    )

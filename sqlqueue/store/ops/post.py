"""Post a command for workers to find."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlqueue.domain.control import EVERYBODY
from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.domain.control import Message
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def post(dialect: Dialect, message: Message, seconds: float) -> Op[None]:
    """Write a command that lives for ``seconds``; whoever starts later does not hear it."""
    destination = None if message.destination == EVERYBODY else json.dumps(message.destination._asdict())
    yield from ask_last(
        dialect.sql.post,
        id=message.id,
        command=message.command,
        arguments=json.dumps(message.arguments),
        destination=destination,
        wants_reply=message.wants_reply,
        seconds=seconds,
    )

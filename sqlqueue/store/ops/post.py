"""Post a command for workers to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.control import LIFE
from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from sqlqueue.domain.control import Message
    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


def post(dialect: Dialect, message: Message, seconds: float = LIFE) -> Op[None]:
    """Write a command that lives for ``seconds``; whoever starts later does not hear it."""
    yield from ask_last(dialect.sql.post, **message.params(seconds))

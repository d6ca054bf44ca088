"""Wake others: by a statement of its own, or as the tail of another verb's last batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.operation import Batch, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

Message = tuple[str, str]
"""A channel and what is said on it."""


def wake(dialect: Dialect, messages: Sequence[Message]) -> Op[None]:
    """Send messages."""
    steps = wake_steps(dialect, messages)
    if steps:
        yield Batch(steps, last=True)


def wake_steps(dialect: Dialect, messages: Sequence[Message]) -> list[Step]:
    """Return what sends messages, nothing where the database cannot."""
    if dialect.sql.wake is None or not dialect.notifies or not messages:
        return []
    channels, payloads = [list(column) for column in zip(*messages, strict=True)]
    return [Step(dialect.sql.wake, {"channels": channels, "payloads": payloads})]

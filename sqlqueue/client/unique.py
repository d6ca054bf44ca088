"""What a call says about being the only one of its kind. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.domain.job import Conflict, Unique
from sqlqueue.errors import EnqueueError

if TYPE_CHECKING:
    from sqlqueue.client.request import CallOptions

MAX_KEY = 255
"""Characters of a key."""


def unique_of(options: CallOptions) -> Unique | None:
    """Return the key that only one job may have, None when the call names none.

    Raises
    ------
    EnqueueError: the key cannot be, or an option makes no sense beside it or without it.
    """
    names = ("unique_key", "unique_for", "on_conflict")
    key, seconds, conflict = (dict[str, Any](options).get(name) for name in names)
    if key is None:
        if seconds is not None or conflict is not None:
            raise EnqueueError("unique_for and on_conflict need unique_key: name what only one job may be about")
        return None
    if options.get("task_id") is not None:
        raise EnqueueError("give task_id or unique_key, not both: an id names one job for ever, a key one at a time")
    if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= MAX_KEY:
        raise EnqueueError(f"unique_key is {key!r}: use a string of 1 to {MAX_KEY} printable characters")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
        raise EnqueueError(f"unique_for is {seconds!r}: use seconds above zero")
    words = [str(word) for word in Conflict]
    if conflict is not None and conflict not in words:
        raise EnqueueError(f"on_conflict is {conflict!r}: use one of {', '.join(words)}")
    return Unique(key, seconds, Conflict(conflict or "ignore"))

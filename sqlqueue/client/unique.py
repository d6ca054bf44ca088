"""What a call, or its task, says about being the only one of its kind. Pure.

Next room: ``keyed``, which sends such calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.moments import MAX_SECONDS
from sqlqueue.domain.job import Conflict, Unique
from sqlqueue.errors import EnqueueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.domain.job import NewJob

MAX_KEY = 255
"""Characters of a key."""

OPTIONS = ("unique_key", "unique_for", "on_conflict")


def has_key(options: Mapping[str, Any], defaults: Defaults) -> bool:
    """Whether the call or its task names a key."""
    return defaults.unique_key is not None or options.get("unique_key") is not None


def with_key(
    job: NewJob, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
) -> NewJob:
    """Return a call's job with the key that only one job may have; as it is, when call and task name none.

    Raises
    ------
    EnqueueError: the key cannot be, or an option makes no sense beside it or without it.
    """
    if defaults.unique_key is None and options.keys().isdisjoint(OPTIONS):
        return job
    said = {name: value for name in OPTIONS if (value := dict[str, Any](options).get(name)) is not None}
    if not has_key(options, defaults):
        check_unique(None, said.get("unique_for"), said.get("on_conflict"))
        return job
    said = {name: getattr(defaults, name) for name in OPTIONS} | said
    key, seconds, conflict = (said[name] for name in OPTIONS)
    if callable(key) and (key := key(*args, **kwargs)) is None:
        return job
    if job.given_id:
        raise EnqueueError(
            f"give task_id or unique_key, not both ({job.task} has unique_key {key!r}): an id names one job for ever,"
            " a key one at a time"
        )
    if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= MAX_KEY:
        raise EnqueueError(f"unique_key is {key!r}: use a string of 1 to {MAX_KEY} printable characters")
    check_unique(key, seconds, conflict)
    return job._replace(unique=Unique(key, seconds, Conflict(conflict or "ignore")))


def check_unique(key: object, seconds: object, conflict: object) -> None:
    """Raise EnqueueError when these are no window and no word for conflicts, or there is no key that they are about."""
    if key is None and (seconds is not None or conflict is not None):
        raise EnqueueError("unique_for and on_conflict need unique_key: name what only one job may be about")
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (number and 0 < seconds <= MAX_SECONDS):  # type: ignore[operator]
        raise EnqueueError(f"unique_for is {seconds!r}: use seconds above zero, at most a hundred years")
    words = [str(word) for word in Conflict]
    if conflict is not None and conflict not in words:
        raise EnqueueError(f"on_conflict is {conflict!r}: use one of {', '.join(words)}")

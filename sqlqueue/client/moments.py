"""When a call is due, and until when: seconds or moments as callers write them. Pure.

Next room: ``request``, which asks for each call.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import EnqueueError

if TYPE_CHECKING:
    from sqlqueue.config import Config


def due(countdown: float | None, eta: datetime | str | None, config: Config) -> tuple[float | None, datetime | None]:
    """Return seconds from the database's now, or a moment; raises EnqueueError for what cannot be."""
    if countdown is not None and eta is not None:
        raise EnqueueError("give countdown or eta, not both")
    if countdown is not None:
        seconds = _seconds("countdown", countdown)
        return (seconds if seconds > 0 else None), None
    return None, (None if eta is None else _moment("eta", eta, config))


def expiry(expires: float | datetime | str | None, config: Config) -> tuple[float | None, datetime | None]:
    """The same of when a job must not start any more."""
    if expires is None:
        return None, None
    if isinstance(expires, datetime | str):
        return None, _moment("expires", expires, config)
    return _seconds("expires", expires), None


MAX_SECONDS = 100 * 366 * 86400.0


def _seconds(what: str, value: object) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_SECONDS:
        raise EnqueueError(f"{what} is {value!r}: use seconds, at most a hundred years")
    return float(value)


def _moment(what: str, value: object, config: Config) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise EnqueueError(f"{what} is {value!r}: use a datetime, or its ISO 8601 text") from None
    if not isinstance(value, datetime):
        raise EnqueueError(f"{what} is {value!r}: use a datetime")
    zoned = value if value.tzinfo is not None else value.replace(tzinfo=ZoneInfo(config.timezone))
    return SYSTEM_CLOCK.stored(zoned.astimezone(UTC))

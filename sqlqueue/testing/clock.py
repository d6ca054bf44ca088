"""A clock that a test holds: time passes when the test says so, and what waits in its database follows.

The database decides when a job is due, by its own clock, which no test can stop. So moving the time on moves back what
the rows say: ``countdown``, ``eta``, ``expires``, retries, unique windows and rates come nearer by as much, and
moments that this process names from then on are meant by the clock of the test.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.store.ops.promote import promote
from sqlqueue.store.ops.shift import database_clock, shift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlqueue.app import SQLQueue

SAME = timedelta(milliseconds=1)
"""What two clocks that both go may differ by from one look to the next."""


class _Look(NamedTuple):
    """The time at a moment, by Python's clock and by the database's, and whether Python's stands still."""

    python: datetime
    database: datetime
    stands: bool


class HeldClock:
    """The clock of a test on one app; see `hold_clock`."""

    def __init__(self, app: SQLQueue) -> None:
        self._app = app
        self._last: _Look | None = None

    def now(self) -> datetime:
        """Return what time it is in the test, in UTC with zone."""
        return SYSTEM_CLOCK.meant()

    def shift(self, delta: timedelta | float) -> None:
        """Let time pass.

        Parameters
        ----------
        delta: seconds, or a timedelta.

        Raises
        ------
        ValueError: it is negative.
        """
        by = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        if by < timedelta():
            raise ValueError(f"the clock of a test goes forward only, not by {by.total_seconds():g} s")
        SYSTEM_CLOCK.moved += by
        self._shift(by)

    tick = shift

    def move_to(self, moment: datetime) -> None:
        """Let time pass until a moment; a naive one is in the app's ``timezone``.

        Raises
        ------
        ValueError: it is past.
        """
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(self._app.conf.timezone))
        self.shift(zoned - self.now())

    def follow(self) -> None:
        """Go where freezegun or time-machine has moved Python's clock since this was called last.

        Call it once after they have stopped the clock, and again each time after they have moved it.
        """
        last, self._last = self._last, self._look()
        SYSTEM_CLOCK.apart = self._last.python - self._last.database
        if last is None:
            return
        by = self._last.python - last.python
        if not self._last.stands:
            by -= self._last.database - last.database
        if abs(by) > SAME:
            self._shift(by)

    def _shift(self, by: timedelta) -> None:
        store = self._app.store
        store.run(shift, by.total_seconds())
        more: float | None = 0.0
        while more is not None and more <= 0:
            placed, more = store.run(promote)
            self._app.client.waker.placed(placed)

    def _look(self) -> _Look:
        before = SYSTEM_CLOCK.now()
        seconds = self._app.store.read(database_clock)
        after = SYSTEM_CLOCK.now()
        return _Look(after, datetime.fromtimestamp(seconds, UTC), before == after)


@contextmanager
def hold_clock(app: SQLQueue) -> Iterator[HeldClock]:
    """Yield a clock that holds the time of a test while the block lasts; one at a time in a process."""
    try:
        yield HeldClock(app)
    finally:
        SYSTEM_CLOCK.moved = SYSTEM_CLOCK.apart = timedelta()

"""Limits that hold in the whole fleet: how many jobs run at a time, how many start within some time. Pure.

What each worker limits by itself is in ``rates``; how long a job may run is in ``limits``. Who grants is
``store.ops.grant``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUEUE, TASK, KEY = "queue:", "task:", "key:"
"""What the name of a limit begins with: whose jobs it counts."""

BLOCKED_LOOK = 0.25
"""Seconds until a full limit is looked at again by a worker that did not free it; who frees a slot looks at once."""

LOCKED_LOOK = 0.02
"""The same for a limit at which another worker looks just now."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_UNDECLARED = "-"


class Quota(NamedTuple):
    """How many jobs of one name may run at a time, and how many may start within any so many seconds; None: any."""

    running: int | None = None
    starts: int | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        unit = {seconds: unit for unit, seconds in _UNITS.items()}.get(self.seconds, "s")
        parts = [str(self.running)] if self.running is not None else []
        return ",".join([*parts, f"{self.starts}/{unit}"] if self.starts is not None else parts) or _UNDECLARED


UNLIMITED = Quota()


def read_quota(given: object, what: str = "a limit") -> Quota:
    """Return what ``5`` (at a time), ``10/m`` (starts) or ``5,10/m`` (both) says.

    Raises
    ------
    ConfigError: it says neither; the message begins with ``what``.
    """
    found = UNLIMITED
    parts = re.split(r"[\s,]+", str(given).strip()) if isinstance(given, int | str) else [""]
    for part in parts:
        match = re.fullmatch(r"([0-9]{1,9})(?:/([smh]))?", part)
        if match is None or isinstance(given, bool) or (int(match[1]) == 0 and match[2]):
            raise ConfigError(
                f"{what} is {given!r}: use how many jobs at a time, such as 5, how many starts, such as 10/s, 10/m or"
                " 10/h, or both: 5,10/m"
            )
        number, unit = int(match[1]), match[2]
        found = (
            found._replace(starts=number, seconds=_UNITS[unit]) if unit is not None else found._replace(running=number)
        )
    return found


def check_name(name: str) -> str:
    """Return the name of a limit; raise ConfigError for what is none."""
    kind = next((kind for kind in (QUEUE, TASK, KEY) if name.startswith(kind)), None)
    if kind is None or len(name) == len(kind) or not name.isprintable():
        raise ConfigError(f"{name!r} is no name of a limit: use queue:NAME, task:NAME or key:NAME")
    return name


def check_limits(limits: object) -> None:
    """Raise ConfigError for what is no table of limits by their names."""
    if not isinstance(limits, Mapping):
        raise ConfigError(
            f"fleet_limits is {limits!r}: use a table such as {{'queue:mail': 5, 'task:shop.sync': '10/m'}}"
        )
    for name, quota in limits.items():
        read_quota(quota, f"the limit of {check_name(str(name))}")


def write_limits(limits: Iterable[tuple[str, Quota]]) -> str | None:
    """Return what a job's row says of its limits: one a line, what its sender allows and the name; None for none."""
    return "\n".join(f"{quota} {name}" for name, quota in limits) or None


@lru_cache(maxsize=4096)
def read_limits(text: str | None) -> tuple[tuple[str, Quota], ...]:
    """Return names and quotas of a row's limits; what cannot be read allows anything."""
    found = []
    for line in text.splitlines() if text else ():
        said, _, name = line.partition(" ")
        try:
            found.append((name, UNLIMITED if said == _UNDECLARED else read_quota(said)))
        except ConfigError:
            found.append((name, UNLIMITED))
    return tuple(found)


def stricter(limits: Iterable[tuple[str, Quota]]) -> dict[str, Quota]:
    """Return one quota for each name: where senders say different things, the least of them."""
    found: dict[str, Quota] = {}
    for name, quota in limits:
        other = found.setdefault(name, quota)
        if quota != other:
            running = min((one.running for one in (quota, other) if one.running is not None), default=None)
            rates = [one for one in (quota, other) if one.starts is not None]
            rate = min(rates, key=lambda one: (one.starts or 0) / one.seconds, default=UNLIMITED)
            found[name] = rate._replace(running=running)
    return found


class Use(NamedTuple):
    """What a limit allows, and what is used of it.

    Parameters
    ----------
    starts: within the quota's seconds.
    frees_in: seconds until the first of these starts is so long ago; None: there are none.
    """

    quota: Quota
    running: int = 0
    starts: int = 0
    frees_in: float | None = None

    @property
    def room(self) -> int | None:
        """How many more jobs may start now; None: any number."""
        rooms = [] if self.quota.running is None else [self.quota.running - self.running]
        if self.quota.starts is not None:
            rooms.append(self.quota.starts - self.starts)
        return max(min(rooms), 0) if rooms else None

    @property
    def wait(self) -> float:
        """Seconds until it is worth while to look at a full limit again."""
        full = self.quota.running is not None and self.running >= self.quota.running
        return BLOCKED_LOOK if full or self.frees_in is None else max(self.frees_in, 0.001)

    def taken(self, jobs: int) -> Use:
        """Return the same with so many jobs more."""
        return self._replace(running=self.running + jobs, starts=self.starts + jobs)


def room_of(names: Iterable[str], uses: Mapping[str, Use]) -> int | None:
    """Return how many jobs may start that are under all these limits; None: any number."""
    rooms = [room for name in names if (room := uses[name].room) is not None]
    return min(rooms) if rooms else None


def choose(
    lanes: Sequence[Sequence[str]], heads: Sequence[int], at_most: int, uses: Mapping[str, Use]
) -> tuple[list[int], dict[str, Use]]:
    """Return how many jobs each lane may start, the first lanes first, and what is used of each limit then.

    Parameters
    ----------
    lanes: the names of the limits that each lane's jobs are under.
    heads: how many jobs each lane offers.
    """
    used, chosen = dict(uses), []
    for names, offered in zip(lanes, heads, strict=True):
        room = room_of(names, used) if offered else 0
        taken = min(offered, at_most, offered if room is None else room)
        used |= {name: used[name].taken(taken) for name in names}
        at_most -= taken
        chosen.append(taken)
    return chosen, used

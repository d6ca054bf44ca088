"""In which order queues are read: as they were given, or drawn by weight, ``-Q critical=6,default=3,low=1``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from sqlqueue.worker.lane import Lane


class Queues(NamedTuple):
    """The queues of a worker; ``weights`` is None where each goes before the next one."""

    names: tuple[str, ...]
    weights: Mapping[str, int] | None = None

    def without(self, names: Iterable[str]) -> Queues:
        """Leave some of them out.

        Raises
        ------
        ConfigError: one is not among them, or none would be left.
        """
        gone = set(names)
        if not self.names:
            raise ConfigError("no queue is named: give -Q a name, or leave it out for those of the settings")
        for name in sorted(gone.difference(self.names)):
            near = difflib.get_close_matches(name, self.names, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"the queue {name!r} cannot be left out of {', '.join(self.names)}{meant}")
        left = tuple(name for name in self.names if name not in gone)
        if not left:
            raise ConfigError(f"with {', '.join(self.names)} left out no queue remains to be served")
        weights = None if self.weights is None else {name: self.weights[name] for name in left}
        return Queues(left, weights)


def read_queues(texts: Iterable[str]) -> Queues:
    """Read ``NAME[=WEIGHT]`` with commas between them; a queue without a weight has 1 where others have one.

    Raises
    ------
    ConfigError: a weight is no whole number above zero.
    """
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    found = dict(map(_read_queue, words))
    weighed = any("=" in word for word in words)
    return Queues(tuple(found), found if weighed else None)


def _read_queue(word: str) -> tuple[str, int]:
    name, equals, weight = word.rpartition("=")
    if not equals:
        return word, 1
    if not weight.isdecimal() or int(weight) < 1 or not name:
        raise ConfigError(f"the queue {word!r} has no weight that can be: use NAME or NAME=3")
    return name, int(weight)


class Weighted:
    """Draws an order for each claim: a queue of weight 3 goes first three times as often as one of weight 1.

    Parameters
    ----------
    weights: of each queue, above zero.

    The algorithm is A-Res of Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006).
    """

    def __init__(self, weights: Mapping[str, float], chance: Random) -> None:
        self._weights = weights
        self._chance = chance

    def __call__(self, lanes: list[Lane]) -> list[Lane]:
        """Return the lanes in an order of this claim's own; a higher priority still goes before a lower one."""
        drawn = {queue: self._chance.random() ** (1.0 / weight) for queue, weight in self._weights.items()}
        for lane in lanes:
            if lane.queue not in drawn:  # added while the worker runs
                drawn[lane.queue] = self._chance.random()
        return sorted(lanes, key=lambda lane: (-lane.priority, -drawn[lane.queue]))


def as_given(lanes: list[Lane]) -> list[Lane]:
    """Leave the lanes in the order of their priorities and queues."""
    return lanes

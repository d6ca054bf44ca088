"""What a measurement yields, and what is made of several rounds of it: medians, ratios, a table, JSON."""

import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """One measured value.

    `limit` names the sample of the same database and round that it is compared with: the raw limit.
    """

    what: str
    value: float
    unit: str = "/s"
    limit: str | None = None


class Figure(NamedTuple):
    """The samples of all rounds of one thing on one database."""

    database: str
    what: str
    unit: str
    values: list[float]
    limit: str | None
    ratios: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None


def figures(rounds: Iterable[tuple[str, Sample]]) -> list[Figure]:
    """Gather samples, each with the database it was measured on.

    A ratio is the median of the rounds' own ratios: what disturbs a round disturbs its limit too, or is seen in the
    spread.
    """
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    kinds: dict[tuple[str, str], Sample] = {}
    for database, sample in rounds:
        values[database, sample.what].append(sample.value)
        kinds[database, sample.what] = sample
    found = []
    for (database, what), measured in values.items():
        kind = kinds[database, what]
        limit = values.get((database, kind.limit or ""))
        ratios = [value / most for value, most in zip(measured, limit, strict=True)] if limit else []
        found.append(Figure(database, what, kind.unit, measured, kind.limit, ratios))
    return found


def table(found: list[Figure]) -> Iterator[str]:
    """Yield the lines of a table, one part for each database."""
    width = max((len(figure.what) for figure in found), default=0)
    medians = {(figure.database, figure.what): figure.median for figure in found}
    for database in dict.fromkeys(figure.database for figure in found):
        yield ""
        yield f"{database:{width}}  {'median':>12}  {'lowest - highest':>22}  {'raw limit':>12}  {'ratio':>5}"
        for figure in found:
            if figure.database == database:
                limit = medians.get((database, figure.limit or ""))
                spread = f"{_number(min(figure.values))} - {_number(max(figure.values))}"
                line = f"{figure.what:{width}}  {_number(figure.median) + ' ' + figure.unit:>12}  {spread:>22}"
                if limit is not None and figure.ratio is not None:
                    line += f"  {_number(limit) + ' ' + figure.unit:>12}  {figure.ratio:5.2f}"
                yield line


def document(found: list[Figure], **circumstances: Any) -> dict[str, Any]:
    """Return everything as one JSON document."""
    machine = {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }
    rows = [figure._asdict() | {"median": figure.median, "ratio": figure.ratio} for figure in found]
    return {"machine": machine, **circumstances, "figures": rows}


def quantile(values: Iterable[float], part: float) -> float:
    """Return the value below which `part` of all values lie; of few values the nearest one above."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"

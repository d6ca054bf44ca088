"""What a measurement yields, and what is made of several rounds of it: medians, ratios, a table, JSON."""

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """One measured value.

    `limit` names the sample of the same database and round that it is compared with: the raw limit.
    """

    what: str
    value: float
    unit: str = "/s"
    limit: str | None = None
    measure: str = ""  # set by whoever asked for it


class Figure(NamedTuple):
    """The samples of all rounds of one thing on one database."""

    database: str
    what: str
    unit: str
    values: list[float]
    limit: str | None
    measure: str
    ratios: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None


def figures(rounds: Mapping[str, Sequence[Sequence[Sample]]]) -> list[Figure]:
    """Gather the samples of each database's rounds.

    A ratio is the median of the rounds' own ratios: what disturbs a round disturbs its limit too, or is seen in the
    spread.
    """
    found = []
    for database, samples in rounds.items():
        by_name = [{sample.what: sample for sample in one} for one in samples]
        for kind in dict.fromkeys(sample._replace(value=0.0) for one in samples for sample in one):
            pairs = [(one[kind.what], one.get(kind.limit or "")) for one in by_name if kind.what in one]
            ratios = [sample.value / limit.value for sample, limit in pairs if limit is not None]
            values = [sample.value for sample, _ in pairs]
            found.append(Figure(database, kind.what, kind.unit, values, kind.limit, kind.measure, ratios))
    return found


def table(found: list[Figure], titles: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a table, one part for each database."""
    width = max((len(figure.what) for figure in found), default=0)
    medians = {(figure.database, figure.what): figure.median for figure in found}
    for database in dict.fromkeys(figure.database for figure in found):
        yield ""
        heads = f"{'median':>12}  {'lowest - highest':>22}  {'compared with':>13}  {'ratio':>5}"
        yield f"{titles[database]:{width}}  {heads}"
        for figure in found:
            if figure.database == database:
                limit = medians.get((database, figure.limit or ""))
                spread = f"{number(min(figure.values))} - {number(max(figure.values))}"
                line = f"{figure.what:{width}}  {number(figure.median) + ' ' + figure.unit:>12}  {spread:>22}"
                if limit is not None and figure.ratio is not None:
                    line += f"  {number(limit) + ' ' + figure.unit:>13}  {figure.ratio:5.2f}"
                yield line


def document(found: list[Figure], **circumstances: Any) -> dict[str, Any]:
    """Return everything as one JSON document."""
    rows = [figure._asdict() | {"median": figure.median, "ratio": figure.ratio} for figure in found]
    return {"machine": machine(), **circumstances, "figures": rows}


def machine() -> dict[str, Any]:
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("psycopg", "sqlalchemy", "sqlqueue-jobs")},
    }


def quantile(values: Iterable[float], part: float) -> float:
    """Return the value below which `part` of all values lie; of few values the nearest one above."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"

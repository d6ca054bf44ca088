"""Tables and moments for people, in 80 columns where they fit."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.ops.jobs import JobRow

GAP = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return aligned columns, numbers to the right; the last one is cut where the terminal ends."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(heads), *texts]) for column in range(len(heads))]
    numbers = [all(isinstance(row[column], int | float) for row in rows) and bool(rows) for column in range(len(heads))]
    room = shutil.get_terminal_size().columns
    return "\n".join(_line(line, widths, numbers, room) for line in [list(heads), *texts])


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool], room: int) -> str:
    parts = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numbers, strict=True)
    ]
    return cut(GAP.join(parts).rstrip(), room)


def stood(job: JobRow) -> str:
    """Return where a job stands, and what it shows of itself meanwhile."""
    return str(job.state) if job.told is None else f"{job.state}: {job.told}"


def cut(line: str, room: int | None = None) -> str:
    """Return a line that ends where the terminal does."""
    room = shutil.get_terminal_size().columns if room is None else room
    return line if len(line) <= room else line[: room - 1] + "…"


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, datetime):
        return when(cell)
    return " ".join(str(cell).split())


def when(moment: datetime | None) -> str:
    """Return a moment in UTC, to the second."""
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def duration(seconds: float | None) -> str:
    """Return seconds as people say them."""
    if seconds is None:
        return "-"
    for unit, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.1f} s"

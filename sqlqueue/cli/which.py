"""The options that say which jobs are meant, shared by the commands that need them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.domain.which import Which

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read a moment: so long ago (``90s``, ``10m``, ``2h``, ``7d``), or ISO 8601, UTC unless it says a zone."""
    if value is None:
        return None
    if ago := _AGO.fullmatch(value):
        return SYSTEM_CLOCK.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no moment: use 10m, 2h, 7d or 2026-11-24T18:00:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--queue``, ``--task``, ``--error``, ``--since`` and ``--root``."""
    for option in (
        click.option("--root", "root_id", metavar="ID", help="Jobs of the workflow that began with this one."),
        click.option("--since", callback=moment, metavar="WHEN", help="Sent since then: 10m, 2h, 7d, or a date."),
        click.option("--error", metavar="TEXT", help="Jobs whose error contains this."),
        click.option("--task", metavar="NAME", help="Jobs of this task."),
        click.option("-Q", "--queue", metavar="NAME", help="Jobs of this queue."),
    ):
        command = option(command)
    return command


def which_jobs(ids: Sequence[str], **filters: Any) -> Which:
    """Return what ids or filters mean; complains when both or neither are given."""
    given = {name: value for name, value in filters.items() if value is not None}
    if bool(ids) == bool(given.keys() - {"state"}):
        raise click.UsageError("name jobs by their ids, or by --queue, --task, --error, --since or --root; not by both")
    return Which(ids=list(ids)) if ids else Which(**given)

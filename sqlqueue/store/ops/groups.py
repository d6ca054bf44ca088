"""Remember which jobs are a group, and ask who sent whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sqlqueue.store.operation import ask_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op


class Kin(NamedTuple):
    """A job's family: who sent it, with which job that began, of which group it is a member."""

    id: str
    parent: str | None
    root: str | None
    group: str | None


def save_group(dialect: Dialect, group_id: str, members: str) -> Op[None]:
    """Keep the members of a group, JSON text, under its id."""
    yield from ask_last(dialect.sql.save_group, id=group_id, members=members)


def restore_group(dialect: Dialect, group_id: str) -> Op[str | None]:
    """Return the members of a group that was kept, None when none was."""
    rows = yield from ask_last(dialect.sql.restore_group, id=group_id)
    return rows[0][0] if rows else None


def delete_group(dialect: Dialect, group_id: str) -> Op[None]:
    """Keep it no longer; its jobs are not touched."""
    yield from ask_last(dialect.sql.delete_group, id=group_id)


def family(dialect: Dialect, job_id: str) -> Op[Kin | None]:
    """Return the family of a job, None when there is no such job."""
    rows = yield from ask_last(dialect.sql.family, id=job_id)
    return Kin(*rows[0]) if rows else None


def children(dialect: Dialect, ids: Sequence[str]) -> Op[dict[str, list[str]]]:
    """Return, for each of ``ids``, the jobs whose parent it is, oldest first."""
    found: dict[str, list[str]] = {id_: [] for id_ in ids}
    for child, parent in (yield from ask_last(dialect.sql.children, ids=json.dumps(list(ids)))):
        found[parent].append(child)
    return found

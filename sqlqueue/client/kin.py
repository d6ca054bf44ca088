"""Who sent whom: walks from a job to its children and theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.store.ops.groups import children

if TYPE_CHECKING:
    from sqlqueue.store.store import Store


def graph_below(store: Store, job_id: str) -> dict[str, list[str]]:
    """Return every job that descends from one, that one first, each with its children; one query a generation."""
    found: dict[str, list[str]] = {}
    level = [job_id]
    while level:
        found |= store.read(children, level)
        level = [child for id_ in level for child in found[id_] if child not in found]
    return found

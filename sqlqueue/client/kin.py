"""Who sent whom: walks from a job to its children and theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlqueue.store.ops.groups import children

if TYPE_CHECKING:
    from typing import TextIO

    from sqlqueue.client.handle import JobHandle
    from sqlqueue.store.store import Store

H = TypeVar("H", bound="JobHandle[Any]")


class Graph(dict[H, list[H]]):
    """Handles, each with its children."""

    def to_dot(self, file: TextIO) -> None:
        """Write it as Graphviz reads it: ``dot -Tsvg``; jobs are named by their ids.

        Parameters
        ----------
        file: open for writing text.
        """
        file.write("digraph jobs {\n")
        for one, below in self.items():
            file.write(f"    {_quoted(one)};\n")
            file.writelines(f"    {_quoted(one)} -> {_quoted(child)};\n" for child in below)
        file.write("}\n")


def graph_below(store: Store, job_id: str) -> dict[str, list[str]]:
    """Return every job that descends from one, that one first, each with its children; one query a generation."""
    found: dict[str, list[str]] = {}
    level = [job_id]
    while level:
        found |= store.read(children, level)
        level = [child for id_ in level for child in found[id_] if child not in found]
    return found


def _quoted(one: JobHandle[Any]) -> str:
    escaped = one.id.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

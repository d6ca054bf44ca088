"""An ordered set of handles, of which some may be sets themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlqueue.client.group import GroupResult
    from sqlqueue.client.result import AsyncResult


class Members:
    """The members of a `ResultSet`, in their order."""

    def __init__(self, results: Iterable[AsyncResult[Any] | GroupResult]) -> None:
        self.results: list[AsyncResult[Any] | GroupResult] = list(results)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} results>"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AsyncResult[Any] | GroupResult]:
        return iter(self.results)

    def __getitem__(self, index: int) -> AsyncResult[Any] | GroupResult:
        return self.results[index]

    @property
    def children(self) -> list[AsyncResult[Any] | GroupResult]:
        """The members."""
        return self.results

    def add(self, result: AsyncResult[Any]) -> None:
        """Add a member at the end, unless it is one."""
        if result not in self.results:
            self.results.append(result)

    def remove(self, result: AsyncResult[Any]) -> None:
        """Take a member out; raises KeyError when it is none."""
        if result not in self.results:
            raise KeyError(result)
        self.results.remove(result)

    def discard(self, result: AsyncResult[Any]) -> None:
        """Take a member out if it is one."""
        if result in self.results:
            self.results.remove(result)

    def clear(self) -> None:
        """Take all members out."""
        self.results.clear()

    def update(self, results: Iterable[AsyncResult[Any]]) -> None:
        """Add several members."""
        for result in results:
            self.add(result)

    def leaves(self) -> list[AsyncResult[Any]]:
        """Return the jobs of all members, those of nested groups too."""
        found: list[AsyncResult[Any]] = []
        for one in self.results:
            found += one.leaves() if isinstance(one, Members) else [one]
        return found

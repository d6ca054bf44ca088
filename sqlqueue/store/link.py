"""A link is a way to the database that is our own: it begins and ends the transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.store.dialect import Dialect
    from sqlqueue.store.operation import Op

P = ParamSpec("P")
T = TypeVar("T")


class Link(Protocol):
    """One or more connections of our own."""

    generation: int
    """Grows whenever a connection is made anew: what was learned on the old one no longer holds."""

    def run(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb of ``store.ops`` in one transaction and return what it returns.

        Raises
        ------
        StoreUnavailable: the database cannot be reached or is busy.
        SchemaError: our tables are missing.
        """

    def read(self, verb: Callable[Concatenate[Dialect, P], Op[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb that only reads; raises as `run` does."""

    def cut_if_silent(self) -> float | None:
        """Break a connection on which no answer has come for too long; return the seconds, None when all is well."""

    def close(self) -> None:
        """Give the connections up."""

"""An operation is a generator that yields statements and is sent their rows; it never knows who executes them.

So each verb is written once and driven through our own connections, a user's session or a raw DB-API
connection, awaited or not (``drivers``). The idea is psycopg's, where protocol generators are driven by sync and
async waiting functions.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import TextClause, text

T = TypeVar("T")

Row = tuple[Any, ...]
Rows = list[Row]
Params = Mapping[str, object]

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_TABLE = re.compile(r"('?)\b(sqlqueue_\w+)")


@dataclass(frozen=True, eq=False)
class Statement:
    """One SQL statement with ``:name`` parameters and unqualified ``sqlqueue_`` names.

    Parameters
    ----------
    bare: takes and returns only text, numbers and truth values, whose types it tells the server: it needs no adapter.
    by_index: must never read a whole table, though its plan was made while that was empty.
    """

    sql: str
    bare: bool = False
    by_index: bool = False

    @cached_property
    def named(self) -> str:
        """The text for drivers with the ``named`` parameter style (sqlite3)."""
        return self.sql.strip()

    @cached_property
    def pyformat(self) -> str:
        """The text for drivers with the ``pyformat`` parameter style (psycopg)."""
        return _PARAMETER.sub(r"%(\1)s", self.sql.strip().replace("%", "%%"))

    @cached_property
    def numbered(self) -> tuple[bytes, list[str]]:
        """The text with ``$1``, ``$2``, ... for the wire protocol itself, and the names of these parameters."""
        names = list(dict.fromkeys(_PARAMETER.findall(self.sql)))
        return _PARAMETER.sub(lambda m: f"${names.index(m[1]) + 1}", self.sql.strip()).encode(), names

    @cached_property
    def clause(self) -> TextClause:
        """The statement for a SQLAlchemy connection of any driver."""
        return text(self.sql.strip())

    def within(self, schema: str | None) -> Statement:
        """Return the statement with its tables qualified by ``schema``."""
        if schema is None:
            return self
        quoted = '"' + schema.replace('"', '""') + '".'
        in_text = quoted.replace("'", "''")  # the name may stand in quotes, as for nextval
        return replace(self, sql=_TABLE.sub(lambda m: m[1] + (in_text if m[1] else quoted) + m[2], self.sql))


def by_index(sql: str) -> Statement:
    """Return a statement that must never read a whole table."""
    return Statement(sql, by_index=True)


class Step(NamedTuple):
    """A statement and its parameters."""

    statement: Statement
    params: Params


class Batch(NamedTuple):
    """Steps to execute in order.

    Parameters
    ----------
    last: promises that nothing follows, so that a commit may travel with them.
    after: hints for others, sent behind the commit where the transaction is our own; nobody asks what became of them.
    """

    steps: Sequence[Step]
    last: bool = False
    after: Sequence[Step] = ()


Op = Generator[Batch, list[Rows], T]


def ask(statement: Statement, /, **params: object) -> Op[Rows]:
    """Execute one statement and return its rows."""
    (rows,) = yield Batch((Step(statement, params),))
    return rows


def ask_last(statement: Statement, /, **params: object) -> Op[Rows]:
    """Execute the operation's last statement and return its rows."""
    (rows,) = yield Batch((Step(statement, params),), last=True)
    return rows

"""Behind a transaction pooler: how it is noticed, and what must not be done there.

Such a pooler lends a server's session for one transaction and then to somebody else. So nothing may be left in a
session: no prepared statement, no setting. And nothing can be heard in one: LISTEN would be another client's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlqueue.store.dialect import Dialect


def mind(connection: Any, dialect: Dialect) -> None:
    """Find out once whether a pooler stands between, and keep statements from being prepared through it.

    Parameters
    ----------
    connection: of psycopg, in autocommit mode.
    """
    if dialect.pooled is None:
        dialect.pooled = _stands_between(connection)
    if dialect.pooled:
        connection.prepare_threshold = None


def _stands_between(connection: Any) -> bool:
    """A server greets with the number of the process that will answer; a pooler cannot know it, and makes one up."""
    ((answering,),) = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchall()
    return bool(answering != connection.info.backend_pid)


def for_one_transaction(settings: str) -> str:
    """Return one statement that makes the same settings as these ``SET`` statements, until the transaction ends."""
    pairs = re.findall(r"SET (\w+) = '?(\w+)", settings)
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in pairs)

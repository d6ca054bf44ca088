"""The PostgreSQL that the tests use: a throwaway one, or the one that `$SQLQUEUE_TEST_PG` names."""

import itertools
import os
import urllib.parse
from typing import Protocol

from psycopg import conninfo

from sqlqueue.testing.server import create_database, drop_database

_numbers = itertools.count(1)


class Server(Protocol):
    """What a test may ask of a PostgreSQL server; `PostgresServer` is one."""

    def dsn(self, dbname: str = "postgres") -> str: ...
    def create_database(self, name: str, template: str | None = None) -> str: ...
    def drop_database(self, name: str) -> None: ...


class RunningServer:
    """A server that somebody else runs; the DSN's user must be allowed to create databases."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn if "://" in dsn else _url(dsn)

    def dsn(self, dbname: str | None = None) -> str:
        parts = urllib.parse.urlsplit(self._dsn)
        return self._dsn if dbname is None else parts._replace(path=f"/{dbname}").geturl()

    def create_database(self, name: str, template: str | None = None) -> str:
        create_database(self._dsn, name, template)
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        drop_database(self._dsn, name)


def fresh_name() -> str:
    """Return a database name that no other process of this test run, or of another one, uses."""
    return f"sqlqueue_test_{os.getpid()}_{next(_numbers)}"


def _url(keywords: str) -> str:
    """Write `host=... user=...` as a URL, since the application takes nothing else."""
    words = {k: str(v) for k, v in conninfo.conninfo_to_dict(keywords).items()}
    user, password, dbname = (words.pop(k, "") for k in ("user", "password", "dbname"))
    login = urllib.parse.quote(user, safe="") + (f":{urllib.parse.quote(password, safe='')}" if password else "")
    query = urllib.parse.urlencode(words, safe="/")
    return f"postgresql://{login}@/{dbname or 'postgres'}" + (f"?{query}" if query else "")

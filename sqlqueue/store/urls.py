"""Where the database is: URLs read, checked, completed, and shown without their secrets."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from sqlqueue.errors import ConfigError

POSTGRES_DRIVER = "postgresql+psycopg"
EXAMPLES = "expected postgresql://user:password@host/dbname or sqlite:///path/to/file.db"


def parse_url(text: str | URL) -> URL:
    """Return the URL of a database that sqlqueue can use.

    A bare ``postgresql://`` or ``postgres://`` means psycopg 3; a relative SQLite path is made absolute.

    Raises
    ------
    ConfigError: it is no URL, or of another database; the message never shows a password.
    """
    try:
        url = make_url(text)
        _ = url.port
    except (ArgumentError, ValueError):
        raise ConfigError(f"cannot read the database URL {mask(str(text))!r}: {EXAMPLES}") from None
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return url.set(drivername=POSTGRES_DRIVER)
        case "sqlite":
            return _sqlite(url)
        case other:
            raise ConfigError(f"{other!r} is not a database that sqlqueue knows: {EXAMPLES}")


def _sqlite(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise ConfigError("a SQLite database in memory cannot be shared with a worker: use sqlite:///jobs.db")
    return url.set(drivername="sqlite", database=str(Path(url.database).expanduser().absolute()))


def show(url: URL) -> str:
    """Return the URL with its password hidden, as people should see it."""
    shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    return mask(shown)


def mask(text: str) -> str:
    """Hide what stands where a password would, in a text that may be no valid URL."""
    if _KEYWORDS.match(text):
        return _KEYWORD.sub(r"\1***", text)
    scheme, found, rest = text.partition("://")
    if not _SCHEME.fullmatch(scheme):  # it stands in the password
        found = ""
    credentials, at, place = rest.rpartition("@") if found else text.rpartition("@")
    place = _QUERY.sub(r"\1***", place)
    if not found:
        return f"***@{place}" if at else place
    user, has_password, _ = credentials.partition(":")
    return f"{scheme}://{user}{':***' if has_password else ''}{at}{place}"


_SCHEME = re.compile(r"[\w+.-]*")

_KEYWORDS = re.compile(r"\s*\w+\s*=")
"""The beginning of a text in libpq's other form, ``host=... password=...``."""

_KEYWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'?|\S+)", re.IGNORECASE)
"""A password among libpq's ``key = value`` words, where quotes may hold blanks."""

_QUERY = re.compile(r"(password=)[^&]*", re.IGNORECASE)
"""A password among the query's pairs; ``sslpassword`` is one too."""


SILENT_NETWORK = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""A network that swallows everything is noticed within half a minute instead of hours; seconds, and milliseconds."""


def engine_for(url: URL) -> Engine:
    """Return an engine of our own for ``url``.

    Raises
    ------
    ConfigError: the driver is not installed; the message says what to install.
    """
    if url.get_backend_name() == "sqlite":
        return create_engine(url)
    defaults = {"connect_timeout": "5", "application_name": "sqlqueue"} | SILENT_NETWORK
    url = url.update_query_dict({key: value for key, value in defaults.items() if key not in url.query})
    try:
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=5, max_overflow=15, pool_reset_on_return=None)
    except (ImportError, NoSuchModuleError) as error:
        message = f"PostgreSQL needs psycopg with libpq ({error}): pip install 'sqlqueue-jobs[binary]'"
        raise ConfigError(message) from error


def refuse_another(backend: str | None, broker: URL) -> None:
    """Raise ConfigError when results are to be kept in another database than the jobs."""
    if backend is None or backend.partition("://")[0] in ("rpc", "database"):
        return
    if backend.startswith(("redis", "cache", "mongodb")) or parse_url(backend.removeprefix("db+")) != broker:
        raise ConfigError(f"result_backend is {mask(backend)}: results are kept in the broker's database; leave it out")

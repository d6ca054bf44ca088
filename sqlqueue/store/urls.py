"""Where the database is: URLs read, checked, completed, and shown without their secrets."""

from __future__ import annotations

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
    scheme, found, rest = text.partition("://")
    if not found:
        words = (word if not word.lower().startswith("password=") else "password=***" for word in text.split(" "))
        return " ".join(words)
    credentials, at, place = rest.rpartition("@")
    if at:
        user = credentials.partition(":")[0]
        rest = f"{user}:***@{place}" if ":" in credentials else f"{user}@{place}"
    head, question, query = rest.partition("?")
    if question:
        pairs = (pair if not pair.lower().startswith("password=") else "password=***" for pair in query.split("&"))
        rest = head + "?" + "&".join(pairs)
    return f"{scheme}://{rest}"


def engine_for(url: URL) -> Engine:
    """Return an engine of our own for ``url``.

    Raises
    ------
    ConfigError: the driver is not installed; the message says what to install.
    """
    if url.get_backend_name() == "sqlite":
        return create_engine(url)
    defaults = {"connect_timeout": "5", "application_name": "sqlqueue"}
    url = url.update_query_dict({key: value for key, value in defaults.items() if key not in url.query})
    try:
        return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=5, max_overflow=15)
    except (ImportError, NoSuchModuleError) as error:
        message = f"PostgreSQL needs psycopg with libpq ({error}): pip install 'sqlqueue-jobs[binary]'"
        raise ConfigError(message) from error

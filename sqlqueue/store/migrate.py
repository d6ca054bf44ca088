"""Make the tables and bring them up to date: alembic, with a history of our own."""

from __future__ import annotations

import io
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropSchema

from sqlqueue.errors import StoreUnavailable
from sqlqueue.store.files import why_unopenable
from sqlqueue.store.urls import engine_for, parse_url, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


def upgrade(url: str | URL, schema: str | None = None, revision: str = "head") -> None:
    """Bring the tables in the database at ``url`` to ``revision``.

    Parameters
    ----------
    schema: PostgreSQL: where the tables are to be; it is made when missing.

    Raises
    ------
    StoreUnavailable: the database cannot be reached or written.
    """
    from alembic import command  # noqa: PLC0415 - a second of import that only migrations need

    with _errors_in_words(parse_url(url)):
        command.upgrade(_config(url, schema), revision)


def downgrade(url: str | URL, schema: str | None = None, revision: str = "base") -> None:
    """Take the tables back to ``revision``; ``base`` drops them with everything in them."""
    from alembic import command  # noqa: PLC0415 - as above

    with _errors_in_words(parse_url(url)):
        command.downgrade(_config(url, schema), revision)


def drop_schema(url: str | URL, schema: str) -> None:
    """Drop a PostgreSQL schema with everything in it: for one that was made to try something."""
    engine = engine_for(parse_url(url))
    try:
        with _errors_in_words(parse_url(url)), engine.connect() as connection:
            connection.execute(DropSchema(schema, cascade=True, if_exists=True))
    finally:
        engine.dispose()


def offline_sql(url: str | URL, schema: str | None = None) -> str:
    """Return the SQL that `upgrade` would execute on an empty database, for a DBA to read and run."""
    from alembic import command  # noqa: PLC0415 - as above

    out = io.StringIO()
    command.upgrade(_config(url, schema, out), "head", sql=True)
    return out.getvalue()


def migrations_folder() -> Path:
    """Return where the revisions are: in the installed package, or beside it in a checkout."""
    shipped = Path(str(files("sqlqueue"))) / "migrations"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "migrations"


@contextmanager
def _errors_in_words(url: URL) -> Iterator[None]:
    """Turn what a driver raises into one line that names the database."""
    try:
        yield
    except DBAPIError as error:
        words = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        if "unable to open database file" in words:
            raise StoreUnavailable(why_unopenable(str(url.database), Exception(words))) from error
        raise StoreUnavailable(f"cannot migrate {show(url)}: {words}") from error


def _config(url: str | URL, schema: str | None, out: io.StringIO | None = None) -> Any:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(output_buffer=out) if out is not None else Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = parse_url(url)
    config.attributes["schema"] = schema
    return config

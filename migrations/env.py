"""Run by alembic: find the database, keep our history apart from the user's, run the revisions.

``sqlqueue migrate`` passes its choices as attributes of the config; ``alembic`` on the command line gives them
with ``-x url=... -x schema=...`` or ``$SQLQUEUE_BROKER_URL``.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, text

from sqlqueue.schema import VERSION_TABLE
from sqlqueue.store.urls import engine_for, parse_url

config = context.config
arguments = context.get_x_argument(as_dictionary=True)
schema = config.attributes.get("schema") or arguments.get("schema")
url = parse_url(
    config.attributes.get("url")
    or arguments.get("url")
    or os.environ.get("SQLQUEUE_BROKER_URL")
    or config.get_main_option("sqlalchemy.url")
    or "sqlite:///sqlqueue.db"
)
is_postgres = url.get_backend_name() == "postgresql"


def enter_schema() -> None:
    """Make the user's schema and let the revisions' unqualified names mean it."""
    if is_postgres and schema:
        quoted = '"' + schema.replace('"', '""') + '"'
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
        context.execute(f"SET LOCAL search_path TO {quoted}")


def run(connection: Connection | None) -> None:
    """Run the revisions in one transaction, on a connection or, without one, as SQL text."""
    context.configure(
        connection=connection,
        url=None if connection is not None else url,
        dialect_opts={"paramstyle": "named"},
        literal_binds=connection is None,
        version_table=VERSION_TABLE,
        version_table_schema=schema if is_postgres else None,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if is_postgres:
            context.execute("SET LOCAL lock_timeout = '5s'")
        enter_schema()
        context.run_migrations()


def run_online() -> None:
    """Run on the database itself, one migration process at a time."""
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            if is_postgres:
                # Our engine commits every statement by itself: a migration is all or nothing, and SET LOCAL needs it.
                connection.execution_options(isolation_level="READ COMMITTED")
                # 5717 is "sq" on a telephone: migrations of one database queue up behind each other.
                connection.execute(text("SELECT pg_advisory_xact_lock(5717)"))
            else:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.rollback()
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            run(connection)
            connection.commit()
    finally:
        engine.dispose()


if context.is_offline_mode():
    run(None)
else:
    run_online()

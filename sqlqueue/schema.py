"""The version of the tables. The migrations own their DDL; ``store`` speaks to them with SQL of its own."""

SCHEMA_VERSION = "0001"
"""The revision this release works with; a test holds it equal to the newest migration."""

VERSION_TABLE = "sqlqueue_alembic_version"
"""Ours alone, so that a user's own alembic history is never touched."""

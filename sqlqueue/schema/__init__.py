"""The tables, as SQLAlchemy sees them (``tables``), and their version.

The migrations own the DDL; a test compares the two. ``store`` speaks to the tables with SQL of its own, so this
room is for users who want to query them through SQLAlchemy.
"""

SCHEMA_VERSION = "0001"
"""The revision this release works with; a test holds it equal to the newest migration."""

VERSION_TABLE = "sqlqueue_alembic_version"
"""Ours alone, so that a user's own alembic history is never touched."""

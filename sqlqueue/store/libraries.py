"""The libraries that we stand on, and their versions."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NAMES = ("sqlalchemy", "psycopg", "alembic", "click")


def libraries() -> list[tuple[str, str]]:
    """Return their names and versions."""
    return [(name, _version(name)) for name in NAMES]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"

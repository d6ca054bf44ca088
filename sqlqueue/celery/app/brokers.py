"""Where the database is, in the words in which Celery says where its broker is."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import ConfigError
from sqlqueue.settings.names import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Mapping

SQL = re.compile(r"(?:sqla\+|db\+)?(?=(?:postgres|sqlite))")
"""How the URL of a database that we use begins, in Celery's spelling for its SQL transport and results too."""


def broker_of(environment: Mapping[str, str], given: Any) -> Any:
    """Return where the environment says that the broker is, as Celery reads it; else what the app is given.

    Raises
    ------
    ConfigError: it names another one for reading or for writing.
    """
    for name in ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
        if environment.get(name):
            raise ConfigError(f"${name} is set: {REFUSALS['broker_read_url'][0]}")
    return database_of(environment.get("CELERY_BROKER_URL") or given or None)


def database_of(url: Any) -> Any:
    """Return the URL of the database that a Celery broker's URL means; of another broker, what the environment says."""
    url = _one_of(url)
    if not isinstance(url, str):
        return url
    if SQL.match(url):
        return SQL.sub("", url, count=1)
    instead = os.environ.get("SQLQUEUE_BROKER_URL")
    if instead is None:
        scheme = url.partition("://")[0]
        raise ConfigError(
            f"the broker is {scheme}://...: sqlqueue works in PostgreSQL or SQLite. Set broker_url to one,"
            " or $SQLQUEUE_BROKER_URL, which then wins over a broker of another kind"
        )
    return instead


def _one_of(url: Any) -> Any:
    """Return the one URL that is given, in whatever form Celery takes several; of several what the environment says.

    Raises
    ------
    ConfigError: there are several, or none.
    """
    several = url if isinstance(url, list | tuple) else _BETWEEN.split(url) if isinstance(url, str) else [url]
    if len(several) == 1:
        return several[0]
    instead = os.environ.get("SQLQUEUE_BROKER_URL")
    if instead is not None and not any(SQL.match(str(one)) for one in several):
        return instead
    raise ConfigError(f"the broker is a list of {len(several)} URLs: jobs are kept in one database, so give one")


_BETWEEN = re.compile(r";(?=[\w+]+://)")
"""Between URLs in one text; a file of SQLite may have a semicolon in its name."""

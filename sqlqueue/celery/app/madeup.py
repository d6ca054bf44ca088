"""The app of code that has none: it runs tasks here, and sends where somebody has said where the database is."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, NoReturn

from sqlqueue.celery import _state
from sqlqueue.celery.app.base import Celery
from sqlqueue.errors import ConfigError


class MadeUp(Celery):
    """The app of code that has none."""

    @cached_property
    def store(self) -> Any:
        """The database; where nobody has named one, none, since what is sent to one that nobody serves is lost."""
        said = self.conf.value_set_for("broker_url") or "SQLQUEUE_BROKER_URL" in os.environ
        return super().store if said else _Nowhere()


class _Nowhere:
    """No database."""

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> NoReturn:
        raise ConfigError(
            "there is no Celery app here, and nothing says where the database is:"
            " import the module that makes your app first, or set $CELERY_BROKER_URL"
        )


def made_up() -> Celery:
    """Return a new one, with the settings of the module that Celery would look for."""
    named = os.environ.get("CELERY_CONFIG_MODULE")
    app = MadeUp("default", set_as_current=False)
    app.config_from_object(named or "celeryconfig", silent=named is None)
    return app


_state.make_default = made_up

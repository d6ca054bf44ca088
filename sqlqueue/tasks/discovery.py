"""Finds the modules with tasks that packages have: ``app.autodiscover_tasks``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Packages = Iterable[str] | Callable[[], Iterable[str]] | None


class Discovery:
    """What one app is to import when a worker of it starts."""

    def __init__(self) -> None:
        self._finds: list[Callable[[], list[str]]] = []

    def add(self, packages: Packages, related_name: str | None, *, force: bool = False) -> None:
        """Take packages to be imported with `import_all`; with ``force`` also now. See `import_tasks`."""
        find = partial(import_tasks, packages, related_name)
        if force:
            find()
        self._finds.append(find)

    def import_all(self) -> list[str]:
        """Import all that was added, and return the names of the modules."""
        return [name for find in self._finds for name in find()]


def import_tasks(packages: Packages, related_name: str | None) -> list[str]:
    """Import the module ``related_name`` of each package that has one, and return their names.

    Parameters
    ----------
    packages: names, or what returns them; None: the apps of the Django project that this process runs.
    related_name: None imports the packages themselves.

    Raises
    ------
    ConfigError: there is no such package.
    """
    names = packages() if callable(packages) else packages
    if names is None:
        names = of_django()
        if names is None:
            raise ConfigError(
                "autodiscover_tasks without packages is for Django: name them, autodiscover_tasks(['shop'])"
            )
    found = []
    for name in names:
        try:
            package = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
            raise ConfigError(f"autodiscover_tasks: there is no package {name!r}") from error
        module = name if related_name is None else f"{name}.{related_name}"
        if related_name is None or (hasattr(package, "__path__") and importlib.util.find_spec(module) is not None):
            importlib.import_module(module)
            found.append(module)
    return found


def of_django() -> list[str] | None:
    """Return the apps of the Django project that this process runs, set up if need be; None when it runs none."""
    if "django.apps" not in sys.modules and "DJANGO_SETTINGS_MODULE" not in os.environ:
        return None
    apps = importlib.import_module("django.apps").apps
    if not apps.ready:
        importlib.import_module("django").setup()
    return [one.name for one in apps.get_app_configs()]

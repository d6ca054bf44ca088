"""Where settings may be read from: a dict, a class, an object, a module or its name; under new or old names.

Next room: ``names``, which knows what Celery 3 called them.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlqueue.errors import ConfigError
from sqlqueue.settings.names import old_names, refused, why_not

_HEADS = ("task_", "result_", "worker_", "broker_", "beat_", "celery", "database_", "event_", "control_")
"""How a name begins that can only be meant as a setting."""


def find(source: Any) -> Any:
    """Return what a source is: of a name (``package.module``, ``package.module:attribute``) what it names.

    Raises
    ------
    ConfigError: there is no such module or attribute; ModuleNotFoundError inside that module stays what it is.
    """
    if not isinstance(source, str):
        return source
    name, _, attribute = source.partition(":")
    module = _import(name, source)
    if not attribute:
        return module
    if not hasattr(module, attribute):
        raise ConfigError(f"cannot read settings from {source!r}: {name} has no {attribute!r}")
    return getattr(module, attribute)


def _import(name: str, source: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        parent, _, last = name.rpartition(".")
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        if parent and sys.modules.get(parent) is not None and hasattr(sys.modules[parent], last):
            return getattr(sys.modules[parent], last)  # Celery's 'module.attribute'
        raise ConfigError(f"cannot read settings from {source!r}: there is no module {error.name!r}") from None


def read(source: Any, known: Iterable[str], namespace: str | None = None) -> dict[str, Any]:
    """Return the settings of a source under their present names.

    Parameters
    ----------
    known: the settings that exist.
    namespace: read only names that begin with it, such as ``CELERY`` for ``CELERY_BROKER_URL``.

    Raises
    ------
    ConfigError: an unknown name, or old and new names mixed.
    """
    given = _given(source)
    if namespace:
        prefix = f"{namespace.rstrip('_')}_"
        given = {name[len(prefix) :]: value for name, value in given.items() if name.startswith(prefix)}
    names = set(known)
    old = {spelling: name for name in sorted(names) for spelling in old_names(name)}
    found: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    strict = isinstance(source, Mapping) or bool(namespace)
    for spelling, value in given.items():
        name = _resolve(spelling, names, old, value, strict=strict)
        if name is not None:
            found[name] = value
            spelled[spelling] = name
    if not namespace:
        refuse_mixture(spelled)
    return found


def _given(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return {str(name): value for name, value in source.items()}
    return {name: getattr(source, name) for name in dir(source) if not name.startswith("_")}


def _resolve(spelling: str, names: set[str], old: Mapping[str, str], value: Any, *, strict: bool) -> str | None:
    """Return the setting that a name means; None for what a module holds besides."""
    if spelling in names:
        return spelling
    if spelling in old:
        return old[spelling]
    if spelling.isupper() and spelling.lower() in names:
        return spelling.lower()
    helper = callable(value) or isinstance(value, ModuleType)
    if not strict and (helper or not spelling.lower().startswith(_HEADS)):
        return None
    raise ConfigError(unknown(spelling, names, old))


def unknown(spelling: str, names: Iterable[str], old: Iterable[str] = ()) -> str:
    """Say that there is no such setting, and why, or which one may have been meant."""
    celerys = refused(spelling)
    if celerys is not None:
        return f"there is no setting {spelling!r}: {why_not(celerys)}"
    near = difflib.get_close_matches(spelling.lower(), list(names), n=1)
    near = near or difflib.get_close_matches(spelling, list(old), n=1)
    hint = f": did you mean {near[0]!r}?" if near else "; docs/settings.md lists them all"
    return f"there is no setting {spelling!r}{hint}"


def refuse_mixture(spelled: Mapping[str, str]) -> None:
    """Raise ConfigError when some names are new and others old, unless the same setting has both.

    Parameters
    ----------
    spelled: names as they are written, each with the present one.
    """
    new = {name for spelling, name in spelled.items() if spelling.islower()}
    old = {spelling: name for spelling, name in spelled.items() if not spelling.islower() and name not in new}
    if not old or not new:
        return
    pairs = ", ".join(f"{spelling} -> {name}" for spelling, name in sorted(old.items()))
    raise ConfigError(f"old and new names of settings are mixed: rename {pairs}, or use old names only")

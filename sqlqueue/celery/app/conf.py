"""`CeleryConfig`: our settings with Celery's defaults, and every other name a project may keep in ``app.conf``.

Ours refuse unknown names; here they are kept, since a Celery project's settings name parts that do not exist here
(other brokers, other result stores) and its own code reads what it likes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlqueue import config
from sqlqueue.celery.app.brokers import database_of
from sqlqueue.config import Config
from sqlqueue.errors import ConfigError
from sqlqueue.settings import sources
from sqlqueue.settings.names import REFUSALS, asks, old_names, refused
from sqlqueue.settings.shown import shown as as_shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OTHER_DEFAULTS: dict[str, Any] = {
    "broker_heartbeat": 120,
    "broker_pool_acquire_timeout": None,
    "broker_pool_limit": 10,
    "deprecated_settings": None,
    "enable_utc": True,
    "result_extended": False,
    "task_protocol": 2,
    "task_publish_retry": True,
    "task_track_started": False,
    "worker_hijack_root_logger": True,
    "worker_prefetch_multiplier": 4,
}
"""Celery's settings that code reads though they change nothing here."""


RUN_AGAIN = ("task_reject_on_worker_lost", "task_retry_on_worker_lost")
"""Settings that let jobs run again whose worker died."""

CRASHES = 3
"""Deaths of its worker after which a job fails all the same, where Celery would go on for ever."""

_UNSET = {"timezone": "UTC", "result_expires": None}
"""What it means when Celery's settings of these names are nothing: the default, and for ever."""

_GIVEN = "_given"
"""Where the names are that somebody has set."""


@dataclass
class CeleryConfig(Config):
    """The settings of a Celery app."""

    task_default_queue: str = "celery"
    task_acks_late: bool = False
    task_max_crashes: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CeleryConfig:
        """Return the defaults, with what ``SQLQUEUE_<SETTING>`` variables say instead."""
        found = super().from_environment(environment)
        assert isinstance(found, CeleryConfig)  # noqa: S101 - cls is
        vars(found)[_GIVEN] = set()
        return found

    def read(self, source: Any, namespace: str | None = None) -> None:
        """Take the settings of a module, a class, an object or a dict, and what it has besides that looks like one."""
        self._take(_read(source, namespace))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("broker_url", "BROKER_URL"):
            value = database_of(value)
        vars(self).setdefault(_GIVEN, set()).add(config._present_name(name) or name)
        present = config._present_name(name) or refused(name) or name
        if present in RUN_AGAIN:
            if value:
                self.task_max_crashes = max(CRASHES, self.task_max_crashes)
        elif present in REFUSALS and asks(present, value):
            raise ConfigError(f"the setting {name}: {REFUSALS[present][0]}")
        try:
            super().__setattr__(name, _UNSET[present] if present in _UNSET and not value else value)
        except ConfigError:
            if present in self._ours():
                raise
            vars(self)[name] = value

    def __getattr__(self, name: str) -> Any:
        """Return a setting that Celery has and we do not."""
        if name in OTHER_DEFAULTS:
            return OTHER_DEFAULTS[name]
        return super().__getattr__(name)

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in vars(self) or name in OTHER_DEFAULTS or super().__contains__(name))

    @property
    def changes(self) -> dict[str, Any]:
        """What somebody has set."""
        return {name: self[name] for name in sorted(vars(self).get(_GIVEN, ()))}

    def without_defaults(self) -> dict[str, Any]:
        """Return what somebody has set."""
        return self.changes

    def value_set_for(self, name: str) -> bool:
        """Tell whether somebody has set this."""
        return (config._present_name(name) or name) in vars(self).get(_GIVEN, ())

    def add_defaults(self, source: Mapping[str, Any]) -> None:
        """Set what nobody has set."""
        for name, value in source.items():
            if not self.value_set_for(name):
                setattr(self, name, value)

    def first(self, *names: str) -> Any:
        """Return the first of these that is not None."""
        return next((value for name in names if (value := self.get(name)) is not None), None)

    def find_option(self, name: str, namespace: str = "") -> tuple[str, str, Any]:
        """Return where a setting is, by its name or the end of it: its namespace, its name there, its default.

        Raises
        ------
        KeyError: there is none.
        """
        known = self.keys()
        for found in (f"{namespace.lower()}_{name.lower()}", name.lower()):
            if found in known:
                return _parted(found)
        for found in known:
            if found.partition("_")[2] == name.lower():
                return _parted(found)
        raise KeyError(name)

    def find_value_for_key(self, name: str, namespace: str = "") -> Any:
        """Return a setting by its name or the end of it."""
        return self.get_by_parts(*self.find_option(name, namespace)[:2])

    def get_by_parts(self, *parts: str) -> Any:
        """Return a setting whose name is given in parts."""
        return self["_".join(part for part in parts if part)]

    def setdefault(self, name: str, value: Any) -> Any:
        """Set a setting unless it is set, and return it."""
        if name not in vars(self):
            setattr(self, name, value)
        return self[name]

    def keys(self) -> list[str]:
        """Return the names."""
        return sorted({*vars(self), *OTHER_DEFAULTS} - {_GIVEN})

    def table(self, with_defaults: bool = False, censored: bool = True) -> dict[str, str]:
        """Return settings as text, with secrets hidden: those that were set, or all."""
        found = super().table(with_defaults=with_defaults, censored=censored)
        said = self.keys() if with_defaults else [*vars(self).get(_GIVEN, ()), "deprecated_settings", "include"]
        for name in said:
            if name not in found:
                found[name] = shown(name, self.get(name)) if censored else repr(self.get(name))
        found.pop(_GIVEN, None)
        if not censored:
            return dict(sorted(found.items()))
        return {name: hidden(text) if "://" in text else text for name, text in sorted(found.items())}

    def _ours(self) -> frozenset[str]:
        return frozenset(_known())


def _parted(name: str) -> tuple[str, str, Any]:
    """Return a setting's namespace, its name there, and its default."""
    namespace, line, rest = name.partition("_")
    return (namespace if line else "", rest or name, getattr(CeleryConfig(), name, None))


def settings_of(argv: Sequence[str], namespace: str = "celery") -> dict[str, Any]:
    """Return the settings that a command line gives: ``worker.concurrency=3``; those without a dot are whole names.

    Raises
    ------
    ConfigError: a word is no ``name=value``.
    """
    found = {}
    for word in argv:
        name, equals, text = word.strip().partition("=")
        if not equals or not name:
            raise ConfigError(f"{word!r} is no setting: use name=value, such as worker.concurrency=3")
        head, dot, rest = name.partition(".")
        whole = (f"{head or namespace}_{rest}" if dot else name).lower()
        found[whole] = config.from_text(whole, text, name)
    return found


def _known() -> list[str]:
    return config._KNOWN


def shown(name: str, value: Any) -> str:
    """Return a setting's value as people may see it."""
    return as_shown(name, value)


def hidden(text: str) -> str:
    """Return a text with the password of every URL in it hidden; several URLs may be divided by semicolons."""
    return ";".join(_PASSWORD.sub(r"\1********@", part) for part in text.split(";"))


_PASSWORD = re.compile(r"(://[^:/@]*:).*@")
"""From a URL's user to the last at sign, since a password may contain one."""


def _read(source: Any, namespace: str | None) -> dict[str, Any]:
    """Return the settings of a source under their present names; those that nobody knows as they are written."""
    if not namespace:
        _refuse_mixture(source)
        if isinstance(source, dict):
            return source
    known = [*_known(), *OTHER_DEFAULTS]
    prefix = f"{namespace.rstrip('_')}_" if namespace else ""
    found: dict[str, Any] = {}
    for spelling in source if isinstance(source, dict) else [one for one in dir(source) if not one.startswith("_")]:
        if not spelling.startswith(prefix):
            continue
        value = source[spelling] if isinstance(source, dict) else getattr(source, spelling)
        try:
            found.update(sources.read({spelling.removeprefix(prefix): value}, known))
        except ConfigError:
            if not callable(value) and not isinstance(value, ModuleType):
                found[spelling.removeprefix(prefix)] = value
    return found


def _refuse_mixture(source: Any) -> None:
    """Raise ConfigError, as Celery does, for a source with old and new names.

    A new name in upper case is no old one: a module's DATABASE_URL need not be meant as a setting.
    """
    spelled = {one: config._present_name(one) for one in (source if isinstance(source, dict) else dir(source))}
    known = {spelling: name for spelling, name in spelled.items() if name is not None}
    sources.refuse_mixture(
        {spelling: name for spelling, name in known.items() if spelling == name or spelling in old_names(name)}
    )

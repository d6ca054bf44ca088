"""Finds the app and the database that a command is about."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import tomllib
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from sqlqueue.app import SQLQueue

GUESSES = ("tasks", "app", "celery_app")
"""Modules looked for in the current folder when nobody names one."""

USUAL_NAMES = ("app", "celery", "queue")
"""What the app is called inside its module, tried in this order."""


@dataclass
class Target:
    """What the command line says of the app and the database.

    Parameters
    ----------
    include: modules with tasks that are imported besides those that the app names.
    """

    app: str | None
    broker: str | None
    found: SQLQueue | None = None
    include: Sequence[str] = ()

    @property
    def words(self) -> list[str]:
        """The same, as words of a command line."""
        given = (("-A", self.app), ("-b", self.broker))
        return [word for option, value in given if value is not None for word in (option, value)]

    def find_app(self) -> SQLQueue:
        """Import the app; with ``--broker`` it works on that database instead.

        Raises
        ------
        ConfigError: there is none, or its module fails; the message says what was tried.
        """
        self.found = _load(self._where())
        self.found.discovery.import_all()  # first, since it may have to prepare for the others
        for name in (*self.found.conf.imports, *self.found.conf.include, *self.include):
            _import(name)
        if self.broker is not None:
            self.found.use_broker(self.broker)
        return self.found

    def find_app_or_plain(self) -> SQLQueue:
        """The same, but where only a database is needed and one is named, no app is looked for."""
        if self.app is None and (self.broker is not None or not self._guess()):
            from sqlqueue.app import SQLQueue

            self.found = SQLQueue(broker=self.broker)
            return self.found
        return self.find_app()

    def close(self) -> None:
        """Close the app's connections, however the command ended."""
        if self.found is not None:
            self.found.close()

    def _where(self) -> str:
        named = self.app or self._guess()
        if named is None:
            tried = [
                "-A/--app",
                "$SQLQUEUE_APP",
                "[tool.sqlqueue] app in pyproject.toml",
                *(f"{name}.py in {Path.cwd()}" for name in GUESSES),
            ]
            raise ConfigError(f"found no app: tried {', '.join(tried)}. Name it: sqlqueue -A MODULE ...")
        return named

    def _guess(self) -> str | None:
        return os.environ.get("SQLQUEUE_APP") or _from_pyproject() or next(filter(_is_here, GUESSES), None)


def _is_here(name: str) -> bool:
    return Path(f"{name}.py").is_file()


def _from_pyproject() -> str | None:
    path = Path("pyproject.toml")
    if not path.is_file():
        return None
    try:
        found = tomllib.loads(path.read_text()).get("tool", {}).get("sqlqueue", {}).get("app")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path.absolute()}: {error}") from error
    return str(found) if found else None


def _load(where: str) -> SQLQueue:
    name, _, attribute = where.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module = _import(name)
    return _named(module, attribute) if attribute else _only_one(module)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"there is no module {name!r} in {Path.cwd()} or on the path{_near(name)}") from error
        raise _failed(name, error) from error
    except SystemExit as error:
        raise ConfigError(
            f"importing {name!r} ended the program ({error}): guard it with if __name__ == '__main__'"
        ) from error
    except Exception as error:
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> ConfigError:
    """Name the line of the user's code at which the import failed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    place = f" at {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f" at {error.filename}, line {error.lineno}"
    return ConfigError(f"importing {name!r} failed{place}: {type(error).__name__}: {error}")


def _near(name: str) -> str:
    here = [path.stem for path in Path.cwd().glob("*.py")]
    close = difflib.get_close_matches(name, here, n=1)
    return f": did you mean {close[0]!r}?" if close else ""


def _named(module: ModuleType, attribute: str) -> SQLQueue:
    found: Any = getattr(module, attribute, None)
    if not _is_app(found):
        raise ConfigError(f"{module.__name__}:{attribute} is no SQLQueue app, it is {found!r}")
    app: SQLQueue = found
    return app


def _only_one(module: ModuleType) -> SQLQueue:
    for name in USUAL_NAMES:
        if _is_app(getattr(module, name, None)):
            return _named(module, name)
    names = sorted(name for name, value in vars(module).items() if _is_app(value))
    if len(names) != 1:
        some = f"several: {', '.join(names)}; choose one with -A {module.__name__}:NAME" if names else "none"
        raise ConfigError(f"looked for a SQLQueue app in {module.__name__} ({module.__file__}) and found {some}")
    return _named(module, names[0])


def _is_app(value: object) -> bool:
    from sqlqueue.app import SQLQueue

    return isinstance(value, SQLQueue)

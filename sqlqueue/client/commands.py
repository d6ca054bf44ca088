"""Commands that workers understand: what each is called, what it is told. An app may add its own.

The built-in ones are in ``worker.control``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlqueue.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str}


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Parameters
    ----------
    function: called in the worker with its panel and the command's arguments by name; what it returns is the answer.
    changes: whether it belongs to ``control``, and not to ``inspect``.
    args: names of what the command line gives by position, and what makes each of its words.
    variadic: the name of what takes all words that are left, as a list.
    signature: how the arguments are shown.
    """

    name: str
    function: Callable[..., Any]
    changes: bool
    args: Sequence[tuple[str, Callable[[str], Any]]] = ()
    variadic: str | None = None
    signature: str | None = None

    @property
    def help(self) -> str:
        """What it does, in one line."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def usage(self) -> str:
        """The name and the arguments."""
        if self.signature is not None:
            return f"{self.name} {self.signature}".strip()
        words = [self.name, *(f"<{name}>" for name, _ in self.args)]
        return " ".join([*words, f"[{self.variadic}...]"] if self.variadic else words)

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the arguments that words of a command line mean; raises ConfigError when they do not fit."""
        found: dict[str, Any] = {}
        for (name, make), word in zip(self.args, words, strict=False):
            try:
                found[name] = make(word)
            except ValueError:
                raise ConfigError(f"{word!r} is no {name}: {self.usage}") from None
        left = words[len(self.args) :]
        if left and self.variadic is None:
            raise ConfigError(f"{left[0]!r} is too much: {self.usage}")
        if self.variadic is not None and left:
            found[self.variadic] = list(left)
        by_position = {*dict(self.args), self.variadic}
        needed = [one for one in inspect.signature(self.function).parameters.values() if one.default is one.empty]
        if any(one.name in by_position and one.name not in found for one in needed):
            raise ConfigError(f"an argument is missing: {self.usage}")
        return found


def command(function: Callable[..., Any], *, changes: bool, **options: Any) -> Command:
    """Make a command of a function whose first parameter is the worker's panel.

    Parameters
    ----------
    options: of `Command`; what is not given is read from the function's own parameters.
    """
    parameters = list(inspect.signature(function).parameters.values())[1:]
    variadic = next((one.name for one in parameters if _annotation(one).startswith(("list", "Sequence"))), None)
    args = [(one.name, _TYPES.get(_annotation(one), str)) for one in parameters if one.name != variadic]
    args = [] if any(one.kind is one.VAR_KEYWORD for one in parameters) else args
    options = {name: value for name, value in options.items() if value is not None}
    name = options.pop("name", function.__name__)
    try:
        return Command(name, function, changes, **{"args": args, "variadic": variadic, **options})
    except TypeError as error:
        raise ConfigError(f"the command {name}: {error}") from None


def _annotation(parameter: inspect.Parameter) -> str:
    """Return how a parameter is annotated, as text: the module may have postponed it."""
    found = parameter.annotation
    return found if isinstance(found, str) else getattr(found, "__name__", "str")


class Commands:
    """The commands that an app adds."""

    def __init__(self) -> None:
        self._found: dict[str, Command] = {}

    def get(self, name: str) -> Command | None:
        """Return one by its name."""
        return self._found.get(name)

    def all(self) -> list[Command]:
        """Return them by name."""
        return [self._found[name] for name in sorted(self._found)]

    def add(self, function: Any, *, changes: bool, **options: Any) -> Any:
        """Register a function, or return a decorator that does when there is none yet."""
        if function is None:
            return lambda found: self.add(found, changes=changes, **options)
        made = command(function, changes=changes, **options)
        self._found[made.name] = made
        return function

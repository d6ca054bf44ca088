"""Reads the words of ``sqlqueue multi``: which workers, and what each of them is told. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlqueue.errors import ConfigError
from sqlqueue.worker.options import WorkerOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PREFIX = "sqlqueue"
"""What numbered workers are called: ``multi start 3`` is sqlqueue1, sqlqueue2 and sqlqueue3."""

PIDFILE = "%n.pid"
LOGFILE = "%n.log"
"""Where the files of a worker are, unless the words say otherwise."""

OF_PROGRAM = frozenset({"-A", "--app", "-b", "--broker"})
"""Options that stand before the command's name."""

_SELECTED = re.compile(r"(--?[A-Za-z][\w-]*):(.+)")
_RANGE = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Node:
    """One worker of several.

    Parameters
    ----------
    name: in full, with its host.
    program: options of the program.
    options: of its ``worker`` command, besides name and files.
    pidfile, logfile: with their placeholders filled in.
    """

    name: str
    program: tuple[str, ...]
    options: tuple[str, ...]
    pidfile: str
    logfile: str

    @property
    def words(self) -> list[str]:
        """The command line after the program's name."""
        files = ["-n", self.name, "--pidfile", self.pidfile, "--logfile", self.logfile]
        return [*self.program, "worker", "--detach", *files, *self.options]


@dataclass(frozen=True)
class Option:
    """An option as it was given: for all workers, or for some, by their names or numbers."""

    word: str
    chosen: frozenset[str] | None
    value: str | None

    def is_for(self, name: str, number: int) -> bool:
        """Tell whether it is for the worker of this name, and this place from 1."""
        short = name.partition("@")[0]
        return self.chosen is None or not self.chosen.isdisjoint({name, short, str(number)})


def read_nodes(words: Sequence[str], program: Sequence[str] = ()) -> list[Node]:
    """Return the workers that these words name, and what each is told.

    Names come first, or one number; then options of ``sqlqueue worker``, each for all or, as ``-c:w1 3`` or
    ``-Q:1-3,5 images``, for some. What is said for some goes before what is said for all.

    Parameters
    ----------
    program: options of the program, before those that stand among the words.

    Raises
    ------
    ConfigError: no name is given, or an option is for a worker that is not among them.
    """
    count = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    names = list(_names(words[:count]))
    if not names:
        raise ConfigError("say which workers, by name or how many: sqlqueue multi start w1 w2, sqlqueue multi start 3")
    options = list(_options(list(words[count:])))
    _check(names, options)
    return [_node(name, number, options, program) for number, name in enumerate(names, 1)]


def _names(words: Sequence[str]) -> Iterator[str]:
    if len(words) == 1 and words[0].isdecimal():
        words = [f"{PREFIX}{number}" for number in range(1, int(words[0]) + 1)]
    for word in words:
        name = word if "@" in word else f"{word}@%h"
        yield WorkerOptions(("?",), name=name).node_name


def _options(left: list[str]) -> Iterator[Option]:
    while left:
        word, equals, value = left.pop(0).partition("=")
        if not word.startswith("-"):
            raise ConfigError(f"{word!r} stands among the options: names of workers come first")
        found = _SELECTED.fullmatch(word)
        given = value if equals else left.pop(0) if left and not left[0].startswith("-") else None
        yield Option(found[1] if found else word, _chosen(found[2]) if found else None, given)


def _chosen(text: str) -> frozenset[str]:
    """Return the names and numbers in a text like ``1-3,w7``."""
    found: set[str] = set()
    for part in text.split(","):
        span = _RANGE.fullmatch(part)
        found.update(map(str, range(int(span[1]), int(span[2]) + 1)) if span else [part])
    return frozenset(found)


def _check(names: Sequence[str], options: Sequence[Option]) -> None:
    known = {str(number) for number in range(1, len(names) + 1)} | set(names)
    known |= {name.partition("@")[0] for name in names}
    for option in options:
        strangers = sorted((option.chosen or frozenset()) - known)
        if strangers:
            raise ConfigError(f"{option.word} is for {strangers[0]}, which is none of the workers: {', '.join(names)}")


def _node(name: str, number: int, options: Sequence[Option], program: Sequence[str]) -> Node:
    told: dict[str, str | None] = {}
    for some in (False, True):  # the latter wins
        told |= {
            one.word: one.value for one in options if (one.chosen is not None) is some and one.is_for(name, number)
        }
    pidfile = told.pop("--pidfile", None) or PIDFILE
    logfile = told.pop("-f", None) or told.pop("--logfile", None) or LOGFILE
    filled = WorkerOptions(("?",), name=name.replace("%", "%%")).fill
    before = {word: value for word, value in told.items() if word in OF_PROGRAM}
    after = {word: value for word, value in told.items() if word not in OF_PROGRAM}
    return Node(name, (*program, *_said(before)), tuple(_said(after)), filled(pidfile), filled(logfile))


def _said(options: Mapping[str, str | None]) -> Iterator[str]:
    for word, value in options.items():
        yield word
        if value is not None:
            yield value

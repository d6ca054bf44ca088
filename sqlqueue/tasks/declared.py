"""Arguments as the task's annotations declare them: enums, dataclasses, pydantic models and tuples, from plain values.

Only classes that the task itself names are made; data names none.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from collections import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from functools import cache, partial
from inspect import Parameter, Signature, get_annotations, unwrap
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlqueue.errors import EncodingError
from sqlqueue.tasks.models import model_of

Convert = Callable[[Any], Any]

_NOTHING: Mapping[str, Any] = types.MappingProxyType({})

_PLAIN = {"int", "float", "str", "bool", "bytes", "dict", "list", "set", "object", "Any", "None", "Self"}


def may_declare(signature: Signature) -> bool:
    """Tell from the annotations, not evaluated yet, whether a class may be among them."""
    return any(not _is_plain(one.annotation) for one in signature.parameters.values())


def _is_plain(annotation: Any) -> bool:
    if annotation is Parameter.empty or annotation is None or annotation is Any:
        return True
    if isinstance(annotation, str):
        return (
            set(annotation.replace(" ", "").replace("[", "|").replace("]", "").replace(",", "|").split("|")) <= _PLAIN
        )
    builtin = isinstance(annotation, type) and annotation.__module__ == "builtins" and get_origin(annotation) is None
    return builtin and annotation is not tuple


class Declared:
    """What the parameters of one function are to be made into.

    Parameters
    ----------
    validation: what pydantic's ``model_validate`` is told besides the value.
    """

    def __init__(
        self, function: Callable[..., Any], signature: Signature, validation: Mapping[str, Any] = _NOTHING
    ) -> None:
        found = {name: converter(hint, validation) for name, hint in _hints(function).items()}
        self._converters = {name: convert for name, convert in found.items() if convert is not None}
        self._signature = signature
        self._any = bool(self._converters.keys() & signature.parameters.keys())

    def __bool__(self) -> bool:
        return self._any

    def read(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Return the arguments of a call, converted; ``args`` begin with the task itself when it is bound.

        Raises
        ------
        EncodingError: a value is none of what is declared; the message names the parameter.
        """
        bound = self._signature.bind(*args, **kwargs)
        for name, convert in self._converters.items():
            if name not in bound.arguments:
                continue
            kind, value = self._signature.parameters[name].kind, bound.arguments[name]
            try:
                if kind is Parameter.VAR_POSITIONAL:
                    bound.arguments[name] = tuple(map(convert, value))
                elif kind is Parameter.VAR_KEYWORD:
                    bound.arguments[name] = {key: convert(item) for key, item in value.items()}
                else:
                    bound.arguments[name] = convert(value)
            except (TypeError, ValueError) as error:
                raise EncodingError(f"the argument {name} is not what the task declares: {error}") from error
        return bound.args, bound.kwargs


def _hints(owner: Any) -> dict[str, Any]:
    """Return the annotations of a function or a class, but those that name what only type checkers know."""
    try:
        return get_type_hints(owner)
    except Exception:  # noqa: BLE001 - whatever stands there: nothing can be made of it here
        found: dict[str, Any] = {}
    for one in reversed(owner.__mro__) if isinstance(owner, type) else (unwrap(owner),):
        home = (
            vars(sys.modules.get(one.__module__, types)) if isinstance(one, type) else getattr(one, "__globals__", {})
        )
        with suppress(TypeError, NameError):
            for name, annotation in get_annotations(one).items():
                with suppress(Exception):
                    found |= get_type_hints(types.SimpleNamespace(__annotations__={name: annotation}), home)
    return found


def converter(hint: Any, validation: Mapping[str, Any] = _NOTHING) -> Convert | None:
    """Return what makes a plain value into one of the declared type; None when it stays as it is."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(parts, validation)
    if (meant := getattr(hint, "__supertype__", getattr(hint, "__value__", None))) is not None and origin is None:
        return converter(meant, validation)  # NewType, and Python 3.12's aliases
    if hint is tuple or origin is tuple:
        return _tuple(parts, validation)
    if origin in _COLLECTIONS and parts and (item := converter(parts[0], validation)) is not None:
        make = _COLLECTIONS[origin]
        return lambda value: make(map(item, value))
    if origin in _MAPPINGS and parts:
        return _mapping(converter(parts[0], validation), converter(parts[-1], validation))
    kind = origin if dataclasses.is_dataclass(origin) else hint
    return _of_class(kind, validation) if isinstance(kind, type) else None


_COLLECTIONS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {
    list: list, set: set, frozenset: frozenset, abc.Sequence: list, abc.MutableSequence: list, abc.Iterable: list,
    abc.Collection: list, abc.Set: set, abc.MutableSet: set,
}  # fmt: skip
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)


def _union(parts: Sequence[Any], validation: Mapping[str, Any]) -> Convert | None:
    """Return what makes a value into the first of several types that it can be; one that it is already stays."""
    others = [part for part in parts if converter(part, validation) is None]
    converters = [found for part in parts if (found := converter(part, validation)) is not None]
    if not converters:
        return None
    kinds = [get_origin(part) or part for part in others]
    known = all(map(_can_be_asked, kinds))
    as_it_is = (*filter(_can_be_asked, kinds), *([int] if float in kinds else []))

    def convert(value: Any) -> Any:
        if isinstance(value, as_it_is):
            return value
        wrong: Exception = TypeError(value)
        for make in reversed(converters):
            try:
                return make(value)
            except (TypeError, ValueError) as error:
                wrong = error
        if known:
            raise wrong
        return value  # one of the types is none that could be asked

    return convert


def _can_be_asked(kind: Any) -> bool:
    """Whether ``isinstance`` takes it: Any and protocols are classes too."""
    try:
        isinstance(None, kind)
    except TypeError:
        return False
    return True


def _tuple(parts: Sequence[Any], validation: Mapping[str, Any]) -> Convert:
    if len(parts) == 2 and parts[1] is ...:  # noqa: PLR2004 - tuple[X, ...]
        each = converter(parts[0], validation) or _same
        return lambda value: tuple(map(each, value)) if isinstance(value, list | tuple) else value
    makes = [converter(part, validation) or _same for part in parts]

    def convert(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        if not makes:
            return tuple(value)
        if len(value) != len(makes):
            raise ValueError(f"{len(value)} values for a tuple of {len(makes)}")
        return tuple(make(item) for make, item in zip(makes, value, strict=True))

    return convert


def _mapping(of_key: Convert | None, of_value: Convert | None) -> Convert | None:
    if of_key is None and of_value is None:
        return None
    key, item = of_key or _same, of_value or _same
    return lambda value: {key(name): item(one) for name, one in value.items()}


def _of_class(kind: type, validation: Mapping[str, Any]) -> Convert | None:
    """Return what makes one class of its plain form."""
    if hasattr(kind, "model_validate"):
        return model_of(kind, validation)
    if issubclass(kind, Enum):
        return partial(_member, kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, validation)
    if issubclass(kind, tuple) and hasattr(kind, "_make"):
        make = _tuple([_hints(kind).get(name, Any) for name in kind._fields], validation)  # type: ignore[attr-defined]
        return lambda value: value if isinstance(value, kind) else kind._make(make(value))
    return None


def _member(kind: type[Enum], value: Any) -> Enum:
    """Return the member of that value, which an array stands for where it is a tuple."""
    try:
        return kind(value)
    except ValueError:
        if not isinstance(value, list):
            raise
        return kind(_tuples(value))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _dataclass(kind: type, validation: Mapping[str, Any]) -> Convert:
    """Return what makes a dataclass of an object with its fields; those its constructor does not take are set after."""

    @cache  # at the first value, and not before: a field may be of the class itself, or of one that comes later
    def fields() -> dict[str, tuple[Convert, bool]]:
        hints = _hints(kind)
        return {
            field.name: (converter(hints.get(field.name, Any), validation) or _same, field.init)
            for field in dataclasses.fields(kind)
        }

    def make(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        known, given = fields(), dict(value)
        if unknown := sorted(given.keys() - known):
            raise TypeError(f"{kind.__name__} has no field {', '.join(unknown)}")
        inside = {name: known[name][0](item) for name, item in given.items()}
        made = kind(**{name: item for name, item in inside.items() if known[name][1]})
        for name, item in inside.items():
            if not known[name][1]:
                object.__setattr__(made, name, item)  # the class may be frozen
        return made

    return make


def _same(value: Any) -> Any:
    return value

"""Arguments as the task's annotations declare them: enums, dataclasses, pydantic models and tuples, from plain values.

Only classes that the task itself names are made; data names none.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from inspect import Parameter, Signature
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlqueue.errors import EncodingError

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
    return isinstance(annotation, type) and annotation.__module__ == "builtins" and get_origin(annotation) is None


class Declared:
    """What the parameters of one function are to be made into.

    Parameters
    ----------
    validation: what pydantic's ``model_validate`` is told besides the value.
    """

    def __init__(
        self, function: Callable[..., Any], signature: Signature, validation: Mapping[str, Any] = _NOTHING
    ) -> None:
        try:
            hints = get_type_hints(function)
        except Exception:  # noqa: BLE001 - a name for type checkers only: nothing can be made of it here
            hints = {}
        found = {name: converter(hint, validation) for name, hint in hints.items()}
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


def converter(hint: Any, validation: Mapping[str, Any] = _NOTHING) -> Convert | None:
    """Return what makes a plain value into one of the declared type; None when it stays as it is."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        others = [part for part in parts if part is not type(None)]
        inner = converter(others[0], validation) if len(others) == 1 and len(others) < len(parts) else None
        return None if inner is None else lambda value: None if value is None else inner(value)
    if hint is tuple or origin is tuple:
        return lambda value: tuple(value) if isinstance(value, list) else value
    if origin in (list, dict) and parts and (item := converter(parts[-1], validation)) is not None:
        if origin is list:
            return lambda value: [item(one) for one in value]
        return lambda value: {key: item(one) for key, one in value.items()}
    return _of_class(hint, validation) if isinstance(hint, type) else None


def _of_class(kind: type, validation: Mapping[str, Any]) -> Convert | None:
    """Return what makes one class of its plain form."""
    if hasattr(kind, "model_validate"):
        return lambda value: value if isinstance(value, kind) else kind.model_validate(value, **validation)
    if issubclass(kind, Enum):
        return kind
    if dataclasses.is_dataclass(kind):
        return lambda value: _dataclass(kind, value, validation)
    return None


def _dataclass(kind: type, value: Any, validation: Mapping[str, Any]) -> Any:
    if isinstance(value, kind):
        return value
    hints = get_type_hints(kind)
    inside = {name: (converter(hints[name], validation) or _same)(item) for name, item in dict(value).items()}
    return kind(**inside)


def _same(value: Any) -> Any:
    return value

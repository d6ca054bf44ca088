"""Keys that are made of a call's arguments: ``"sync:{user_id}"``."""

from __future__ import annotations

import difflib
import re
from inspect import Parameter
from string import Formatter
from typing import TYPE_CHECKING, Any

from sqlqueue.errors import ConfigError, EnqueueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature


def key_maker(text: str, signature: Signature) -> Callable[..., str]:
    """Return the function of a call's arguments that puts them into a text.

    Parameters
    ----------
    text: names parameters in braces, as `str.format` does; a default stands for one that is not given.
    signature: what callers give.

    Raises
    ------
    ConfigError: it is no such text, or names a parameter that there is not.
    """
    _check(text, signature)

    def make(*args: Any, **kwargs: Any) -> str:
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = dict(bound.arguments)
            return text.format_map(values | (bound.kwargs if _takes_any(signature) else {}))
        except Exception as error:
            raise EnqueueError(f"unique_key {text!r} cannot be made of the call's arguments: {error!r}") from error

    return make


def _check(text: str, signature: Signature) -> None:
    try:
        fields = [re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ConfigError(f"unique_key is {text!r}: {error}; write {{{{ and }}}} for braces themselves") from None
    for field in fields:
        if field in signature.parameters or (field.isidentifier() and _takes_any(signature)):
            continue
        near = difflib.get_close_matches(field, signature.parameters, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(signature.parameters) or 'none'}"
        raise ConfigError(f"unique_key is {text!r}, and the task has no parameter {field!r}: {hint}")


def _takes_any(signature: Signature) -> bool:
    return any(one.kind is Parameter.VAR_KEYWORD for one in signature.parameters.values())

"""Pydantic models of what was stored of them: by the names of their fields, and as JSON has them.

Pydantic itself is not imported: a class that has its methods is a model. Next room: ``declared``, which asks.
"""

from __future__ import annotations

import inspect
import json
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def model_of(kind: Any, validation: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return what makes a model of its plain form.

    Parameters
    ----------
    validation: what ``model_validate`` is told besides the value.
    """
    options = dict(validation)
    if "by_name" in inspect.signature(kind.model_validate).parameters:  # it is stored so, whatever its aliases are
        options["by_name"] = True
    return partial(_made, kind, options)


def _made(kind: Any, options: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if isinstance(value, dict) and (computed := getattr(kind, "model_computed_fields", None)):
        value = {name: one for name, one in value.items() if name not in computed}
    try:
        return kind.model_validate(value, **options)
    except ValueError:
        if not hasattr(kind, "model_validate_json"):
            raise
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):
            text = ""
        if not text:
            raise
        return kind.model_validate_json(text, **options)  # a strict model takes text for a UUID there only

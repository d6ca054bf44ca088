"""How a setting's value looks to people: without secrets, at whatever depth they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SECRET = re.compile(r"(password|passwd|secret|token|signature|credential|(?<!routing)_?keys?$)", re.IGNORECASE)
"""Names whose value is never shown, of settings and of what is in their tables."""

KEYS_OF_TASKS = ("concurrency_key", "unique_key", "routing_key")
"""Options of tasks that are keys to nothing."""

CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*:[^/\s]*(?=@)|(?<=password=)[^&\s'\"]+", re.IGNORECASE)
"""User and password of a URL, up to its last at sign, and a password among its query."""

PASTED = re.compile(
    r"(?<=://)[^@]*:.*(?=@)|^[^\s/@:]+:[^\s/]+(?=@)"
    r"|(?:(?<=password=)|(?<=password =)|(?<=password = ))(?:'(?:[^'\\]|\\.)*'?|[^&\s]+)",
    re.IGNORECASE | re.DOTALL,
)
"""The same in a text by itself, which may be no valid URL: a password may have any characters, as it was pasted."""

HIDDEN = "***"


def shown(name: str, value: Any) -> str:
    """Return a setting's value as people may see it."""
    return CREDENTIALS.sub(HIDDEN, repr(_hidden(name, value)))


def _hidden(name: object, value: Any) -> Any:
    """Return a value, or what stands for it; of a table or a list the same with what is in it."""
    if value is None:
        return None
    if isinstance(name, str) and SECRET.search(name) and name not in KEYS_OF_TASKS:
        return HIDDEN
    if isinstance(value, str):
        return PASTED.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {key: _hidden(key, one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_hidden(None, one) for one in value)
    return value

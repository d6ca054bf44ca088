"""What has changed in a worker's settings since its app was imported, for children that import the app anew.

Receivers of ``celeryd_init`` and ``worker_init`` may change settings; they are called in the worker's parent alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.contents import just_written
from sqlqueue.errors import ConfigError, EncodingError
from sqlqueue.serialization.json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlqueue.config import Config

MOST = 1 << 30
"""Bytes of a setting: whatever there is room for."""


def noted(conf: Config) -> dict[str, Any]:
    """Return what each setting is now: as text, or itself where it cannot be written."""
    return {name: _noted(value) for name, value in vars(conf).items()}


def changes(before: Mapping[str, Any], conf: Config) -> str:
    """Return as text which settings are not what was `noted` before.

    Raises
    ------
    ConfigError: one of them cannot be written.
    """
    found = {name: vars(conf)[name] for name, now in noted(conf).items() if name not in before or now != before[name]}
    for name, value in found.items():
        try:
            encode(value, name, MOST)
        except EncodingError as error:
            raise ConfigError(
                f"a receiver of celeryd_init or worker_init has set {name} to what cannot be told to spawned children"
                f" ({error}): set it where the app is made, or in worker_process_init"
            ) from None
    return encode(found, "settings", MOST)


def take(conf: Config, text: str) -> None:
    """Change settings as they were changed in the parent."""
    for name, value in decode(text, just_written).items():
        setattr(conf, name, value)


def _noted(value: Any) -> Any:
    try:
        return encode(value, "setting", MOST)
    except EncodingError:
        return value

"""Under which limits of the whole fleet a call's job is: what the task, the call and the settings say. Pure.

Next room: ``request``, which asks for each call that may be under one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.quota import KEY, TASK, Quota, read_quota, write_limits
from sqlqueue.errors import ConfigError, EnqueueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.config import Config

OPTIONS = ("concurrency_key", "concurrency_limit", "fleet_rate_limit")

MAX_KEY = 255
"""Characters of a key."""

NOT_SAID = Quota()


def limits_of(
    task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults, config: Config
) -> str | None:
    """Return what the job's row says of its limits, None when it is under none.

    A key or, without one, the task has the limits that call and task give; a key without any is for one job at a time.

    Raises
    ------
    EnqueueError: an option is none.
    """
    said: dict[str, Any] = {
        name: options[name] if options.get(name) is not None else getattr(defaults, name)  # type: ignore[literal-required]
        for name in OPTIONS
    }
    key = said["concurrency_key"]
    if callable(key):
        key = key(*args, **kwargs) or None
    try:
        quota = quota_of(said["concurrency_limit"], said["fleet_rate_limit"])
    except ConfigError as error:
        raise EnqueueError(str(error)) from None
    found: list[tuple[str, Quota]] = []
    if key is not None:
        found.append((KEY + _checked(key), quota if quota != NOT_SAID else Quota(1)))
    set_so = (config.fleet_limits or {}).get(TASK + task)
    if set_so is not None or (key is None and quota != NOT_SAID):
        found.append((TASK + task, quota if key is None and quota != NOT_SAID else NOT_SAID))
    return write_limits(found)


def quota_of(concurrency_limit: object, fleet_rate_limit: object) -> Quota:
    """Return the quota that these two options say; raises ConfigError for what cannot be."""
    quota = NOT_SAID
    if concurrency_limit is not None:
        if isinstance(concurrency_limit, bool) or not isinstance(concurrency_limit, int) or concurrency_limit < 1:
            raise ConfigError(f"concurrency_limit is {concurrency_limit!r}: use how many jobs at a time, at least 1")
        quota = quota._replace(running=concurrency_limit)
    if fleet_rate_limit is not None:
        text = fleet_rate_limit if isinstance(fleet_rate_limit, str) else f"{fleet_rate_limit}/s"
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}(/[smh])?", text):
            raise ConfigError(
                f"fleet_rate_limit is {fleet_rate_limit!r}: use a whole number a second, or such as 10/s, 10/m or 10/h"
            )
        rate = read_quota(text if "/" in text else f"{text}/s")
        quota = quota._replace(starts=rate.starts, seconds=rate.seconds)
    return quota


def _checked(key: object) -> str:
    if not isinstance(key, str) or not key or len(key) > MAX_KEY or not key.isprintable():
        raise EnqueueError(f"concurrency_key is {key!r}: use a string of 1 to {MAX_KEY} printable characters")
    return key

"""Another try of the running job: what ``self.retry()`` says, as an exception to be raised.

Next room: ``domain.settlement``, which makes a `Reschedule` of it.
"""

from __future__ import annotations

import json
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from sqlqueue.client.moments import due
from sqlqueue.client.named import unknown_option
from sqlqueue.client.request import NO_DEFAULTS, build
from sqlqueue.config import Config
from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import EnqueueError, MaxRetriesExceeded, Retry, seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.tasks.context import Context
    from sqlqueue.tasks.options import TaskSettings

NO_SETTINGS = Config()

CHECKS = ("timezone", "task_max_size", "task_queues", "task_create_missing_queues", "task_queue_max_priority")
"""The settings that count for another try: they check what it says. What it does not say stays as it is."""


class RetryOptions(TypedDict, total=False):
    """What ``self.retry()`` may change of the job besides its arguments: options of `CallOptions`, until it is over.

    Headers are added to those that the job has.
    """

    queue: Any
    priority: int | None
    expires: float | datetime | str | None
    headers: Mapping[str, Any] | None
    time_limit: float | None
    soft_time_limit: float | None
    ignore_result: bool | None
    serializer: str | None
    compression: str | None
    shadow: str | None
    argsrepr: str | None
    kwargsrepr: str | None


KNOWN = frozenset(RetryOptions.__annotations__)

BESIDES = frozenset({"args", "kwargs", "exc", "countdown", "eta", "max_retries", "throw"})
"""What it takes besides."""


def another_try(
    request: Context,
    settings: TaskSettings,
    exc: BaseException | None,
    delay: float | None,
    max_retries: int | None,
    change: str | None,
) -> Retry:
    """Return the exception that asks for another try; raise ``exc`` or MaxRetriesExceeded when there is none left."""
    if request.called_directly:
        raise exc if exc is not None else RuntimeError("self.retry() was called outside a job")
    limit = settings.max_retries if max_retries is None else max_retries
    if limit is not None and request.retries >= limit:
        if exc is not None:
            raise exc
        raise MaxRetriesExceeded(f"{request.task}[{request.id}] has been retried {request.retries} times")
    return Retry(None, exc, settings.default_retry_delay if delay is None else delay, change=change)


def seconds_until(countdown: float | None, eta: datetime | str | None, config: Config) -> float | None:
    """Return the seconds until another try, None when nobody says; raises EnqueueError for what cannot be."""
    delay, moment = due(countdown, eta if countdown is None else None, config)
    if moment is not None:
        return (SYSTEM_CLOCK.shown(moment) - SYSTEM_CLOCK.meant()).total_seconds()
    return 0.0 if countdown is not None and delay is None else delay


def seconds_to(again: Retry) -> float:
    """Return the seconds until the try that somebody asks for."""
    if isinstance(again.when, datetime):
        return seconds_until(None, again.when, NO_SETTINGS) or 0.0
    return seconds_of(again.when)


def change_of(
    request: Context,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    options: RetryOptions,
    config: Config,
) -> str | None:
    """Return what another try changes of its job, as JSON text; None when it is nothing.

    Parameters
    ----------
    config: the app's, which has the key that it is signed with.

    Raises
    ------
    EncodingError, EnqueueError: an argument or an option cannot be; the message names it.
    """
    if isinstance(args, BaseException):
        raise TypeError("self.retry() takes args first: name the exception, self.retry(exc=error)")
    if args is None and kwargs is None and not options:
        return None
    if not KNOWN.issuperset(options):
        raise EnqueueError(unknown_option(options.keys(), KNOWN | BESIDES, "self.retry()", "tasks"))
    asked = request.asked()
    same = {name: asked.get(name) for name in ("serializer", "compression")} | {**options}
    if "headers" in options:
        same["headers"] = {**request.headers, **(options["headers"] or {})}
    new = build(request.task or "", args or (), kwargs or {}, same, NO_DEFAULTS, _checks(config))  # type: ignore[arg-type]
    said: dict[str, object] = {name: getattr(new, name) for name in ("queue", "priority") if options.get(name)}
    if options.get("priority") == 0:
        said["priority"] = 0
    said |= {"expires": new.expires, "expires_at": new.expires_at.isoformat() if new.expires_at else None}
    texts = {"args": new.args if args is not None else None, "kwargs": new.kwargs if kwargs is not None else None}
    texts |= {"headers": new.headers if "headers" in options else None}
    if new.options is not None:
        texts["options"] = json.dumps({**request.asked(), **json.loads(new.options)})
    parts = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in said.items() if value is not None]
    parts += [f"{json.dumps(name)}:{text}" for name, text in texts.items() if text is not None]
    return request.signed_again("{" + ",".join(parts) + "}", config.task_signing_keys)


def _checks(config: Config) -> Config:
    found = copy(NO_SETTINGS)
    vars(found).update({name: getattr(config, name) for name in CHECKS})
    return found

"""From many calls of one task to as many rows to be: what they have in common is worked out once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlqueue.client.contents import write_arguments
from sqlqueue.client.request import build, looks_at_arguments
from sqlqueue.client.unique import has_key, with_key
from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.job import Conflict
from sqlqueue.errors import EncodingError, EnqueueError
from sqlqueue.serialization.sizes import TASK_SIZE, of_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.config import Config
    from sqlqueue.domain.job import NewJob

Call = Sequence[Any] | Mapping[str, Any]
"""A call's arguments: a list or tuple of positional ones, or a dict of named ones."""

ONE_AT_A_TIME = ("task_id", "link", "link_error")


def build_many(
    task: str, calls: Iterable[Call], options: CallOptions, defaults: Defaults, config: Config
) -> Iterator[NewJob]:
    """Yield a job for each call.

    Raises
    ------
    EncodingError: an argument could never be stored; the message names it.
    EnqueueError: an option cannot be, or is one that only a single job may have.
    """
    refused = [name for name in ONE_AT_A_TIME if options.get(name) is not None]
    if refused:
        raise EnqueueError(f"send_many has no option {', '.join(refused)}: send such jobs one by one")
    by_arguments = looks_at_arguments(defaults, config) or has_key(options, defaults)
    common: NewJob | None = None
    keys: dict[str, int] = {}
    write = write_arguments(options, defaults, config)  # of calls that no route looks at
    most = config.task_max_size
    for place, call in enumerate(calls):
        args, kwargs = parts(call)
        if common is None or by_arguments:
            try:
                job = build(task, args, kwargs, options, defaults, config)
            except EncodingError as error:
                raise EncodingError(f"calls[{place}]: {error}") from None
            common = with_key(job, args, kwargs, options, defaults)
            if common.unique is not None and common.unique.conflict is Conflict.RAISE:
                before = keys.setdefault(common.unique.key, place)
                if before != place:
                    raise EnqueueError(
                        f"calls[{before}] and calls[{place}] both have the unique_key {common.unique.key!r}, and"
                        " on_conflict='raise' lets no call stand for another: send it once, or use 'ignore'"
                    )
            yield common
            continue
        try:
            texts = write(args, "args", most), write(kwargs, "kwargs", most)
        except EncodingError as error:
            raise EncodingError(f"calls[{place}]: {of_task(error, task, TASK_SIZE)}") from None
        yield common.again(new_job_id(), *texts)


def parts(call: Call) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's positional and named arguments."""
    if isinstance(call, Mapping):
        return [], dict(call)
    if isinstance(call, str | bytes) or not isinstance(call, Sequence):
        raise EnqueueError(f"a call is {call!r}: give a tuple of its positional arguments, or a dict of its named ones")
    return list(call), {}

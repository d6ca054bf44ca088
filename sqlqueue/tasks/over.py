"""Signatures of many calls of one task in few jobs: `chunks`, `xmap`, `xstarmap`, as in Celery.

Next room: ``shapes``, the signatures made of signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.canvas.shapes import MAP, STARMAP, chunked
from sqlqueue.errors import TaskError
from sqlqueue.tasks.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Over(Signature):
    """One job that calls a task for every item."""

    def __init__(self, task: Mapping[str, Any], it: Iterable[Any], **options: Any) -> None:
        starter = getattr(task, "starter", None)
        parts = {"task": dict(task), "it": list(it)}
        super().__init__(self._NAME, (), parts, options, immutable=True, starter=starter)

    _NAME = MAP


class xmap(_Over):  # noqa: N801
    """One job that calls a task with each item, in order, and returns the list of its values."""

    kind = "xmap"


class xstarmap(_Over):  # noqa: N801
    """The same, with each item's own items as the arguments."""

    kind = "xstarmap"
    _NAME = STARMAP


class chunks(Signature):  # noqa: N801
    """Many calls of a task in few jobs: each calls it for ``n`` items; the result is a list of lists.

    Parameters
    ----------
    it: the arguments of each call.
    n: calls in one job.
    """

    kind = "chunks"

    def __init__(self, task: Mapping[str, Any], it: Iterable[Any], n: int, **options: Any) -> None:
        if n < 1:
            raise TaskError(f"chunks of {n} calls: use 1 or more")
        parts = {"task": dict(task), "it": [list(one) for one in it], "n": n}
        super().__init__("sqlqueue.chunks", (), parts, options, starter=getattr(task, "starter", None))

    def __call__(self, **options: Any) -> Any:
        """Send its jobs."""
        return self.apply_async(**options)

    def group(self) -> Signature:
        """Return the same as a group of jobs."""
        return Signature.from_dict(chunked(self), self.starter)

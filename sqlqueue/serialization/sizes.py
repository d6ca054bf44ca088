"""What is said of a value that is too large: which part of it, how large, and the setting to raise.

Next room: ``domain.sizes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.domain.sizes import MOST
from sqlqueue.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Sequence


TASK_SIZE = "task_max_size"
"""The setting of how many bytes arguments may be: positional ones, named ones and headers each."""

RESULT_SIZE = "result_max_size"
"""The setting of how many bytes a result may be, and what a task tells."""


class TooLarge(EncodingError):
    """A value is larger than it may be; `of_task` says which setting that is.

    Parameters
    ----------
    limit: bytes.
    """

    def __init__(self, told: str, limit: int) -> None:
        super().__init__(f"{told}: pass a file path or a key instead")
        self.limit = limit


def too_large(what: str, size: int, form: str, limit: int, members: Sequence[tuple[str, int]] = ()) -> TooLarge:
    """Return what to raise for a value that is larger than it may be.

    Parameters
    ----------
    size: its bytes.
    form: how it is written, such as JSON.
    members: paths to its parts, and the bytes of each: the largest is named.
    """
    told = f"{what} is {size:,} bytes as {form}"
    if members:
        path, part = max(members, key=lambda member: member[1])
        told += f" ({path} alone {part:,})"
    return TooLarge(f"{told}, more than {limit:,}", limit)


def of_task(error: EncodingError, task: str, setting: str) -> EncodingError:
    """Return ``error`` as one that names the task, and for what is too large the setting that says so."""
    told = f"{task}: {error}"
    if isinstance(error, TooLarge) and error.limit < MOST:
        told += f", or raise the setting {setting}"
    return EncodingError(told)

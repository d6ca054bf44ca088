"""Which jobs an operator means. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlqueue.domain.states import State


class Which(NamedTuple):
    """Jobs by what they have in common; what is None does not matter, and all that is given must hold.

    Parameters
    ----------
    ids: only these; to revoke and to retry, exactly these: the rest is then not looked at.
    root_id: the job with which a workflow began, and everything that came of it.
    since: sent at that moment or later.
    error: text that the job's last error contains.
    header: name of a header that must carry one of ``header_values``, alone or in a list.
    never_ran: True means only those of a workflow that are over though they never ran, since what they waited for did
        not succeed; False leaves them out. By a filter none is retried for its own sake: they come along with what is.
    """

    ids: Sequence[str] | None = None
    queue: str | None = None
    task: str | None = None
    state: State | None = None
    root_id: str | None = None
    since: datetime | None = None
    error: str | None = None
    header: str | None = None
    header_values: Sequence[str] = ()
    never_ran: bool | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing was said, so that every job is meant."""
        return self._replace(never_ran=None) == EVERY

    def params(self, since: object) -> dict[str, object]:
        """Return the parameters of the statements that match rows; ``since`` is the moment as the database takes it."""
        return {
            "ids": None if self.ids is None else json.dumps(list(self.ids)),
            "queue": self.queue,
            "task": self.task,
            "state": None if self.state is None else str(self.state),
            "root_id": self.root_id,
            "since": since,
            "error": self.error,
            "header": self.header,
            "header_values": json.dumps(list(self.header_values)),
        }


EVERY = Which()

"""``app.control``: ours, and what Celery's has besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.celery.worker import state
from sqlqueue.client.control import Control as Ours
from sqlqueue.client.routes import queue_names
from sqlqueue.worker.control import looking, revoking

if TYPE_CHECKING:
    from sqlqueue.celery.app.base import Celery
    from sqlqueue.client.inspection import Inspect


def report(panel: Any) -> dict[str, str]:
    """Say versions, tasks and settings."""
    return {"ok": panel.app.bugreport()}


def hello(panel: Any, from_node: str, revoked: Any = None) -> dict[str, Any]:
    """Take the ids of jobs that another worker knows as revoked, and say which are known here."""
    state.revoked.update(revoked or ())
    known = {*state.revoked, *looking.revoked(panel)}
    return {"revoked": sorted(known), **looking.clock(panel)}


def revoke_by_stamped_headers(panel: Any, headers: Any, **options: Any) -> dict[str, Any]:
    """Run no job any more that carries one of these stamps: for as long as this worker lives."""
    state.revoked_stamps.update(headers)
    revoking.revoke_by_stamped_headers(panel, _texts(headers), **options)
    return {"ok": f"headers {headers} flagged as revoked, but not terminated"}


def _texts(headers: Any) -> dict[str, list[str]]:
    """Return stamps with their values as a list of texts, as they are looked for in the database."""
    return {name: [str(value) for value in state.listed(values)] for name, values in headers.items()}


COMMANDS = (report, hello, revoke_by_stamped_headers)
"""What Celery's workers answer and ours do not, or otherwise."""


class Control(Ours):
    """What is asked of workers."""

    def __init__(self, app: Celery) -> None:
        super().__init__(app.client)
        self._app = app

    def election(
        self, id: str, topic: str, action: Any = None, connection: Any = None, **how: Any,  # noqa: A002 - Celery's
    ) -> Any:  # fmt: skip
        """Let one of the workers act: send the task of a signature, for the topic ``task``."""
        return super().election(id, topic, action, **how)

    def inspect(self, *args: Any, **how: Any) -> Inspect:
        """Return what asks workers about themselves."""
        how.pop("connection", None)
        return super().inspect(*args, **how)

    def purge(self, connection: Any = None) -> int:
        """Throw away what waits; return how many jobs that were."""
        return self._app.jobs.purge(queue_names(self._app.conf))

    discard_all = purge

    def revoke(
        self, task_id: Any, destination: Any = None, terminate: bool = False, signal: Any = None, **how: Any
    ) -> Any:  # fmt: skip
        """Revoke jobs: in the database, at once, whether a worker lives or not."""
        how.pop("connection", None)
        return super().revoke(task_id, terminate=terminate, signal=signal or "SIGTERM", destination=destination, **how)

    def revoke_by_stamped_headers(
        self, headers: Any, destination: Any = None, terminate: bool = False, signal: Any = None, **how: Any
    ) -> Any:  # fmt: skip
        """Revoke the jobs that carry one of these stamps, and, while today's workers live, those that will."""
        wanted = bool(how.pop("reply", False))
        how.pop("connection", None)
        super().revoke_by_stamped_headers(_texts(headers), terminate=terminate, signal=signal or "SIGTERM")
        told = {"headers": dict(headers), "terminate": terminate, "signal": signal or "SIGTERM"}
        replies = self.broadcast("revoke_by_stamped_headers", told, destination=destination, reply=True, **how)
        return replies if wanted else None

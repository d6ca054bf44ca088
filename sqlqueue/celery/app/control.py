"""``app.control``: ours, and what Celery's has besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.celery.worker import state
from sqlqueue.client.control import Control as Ours
from sqlqueue.client.inspection import Inspect as Questions
from sqlqueue.client.routes import queue_names
from sqlqueue.domain.which import Which
from sqlqueue.worker.control import looking

if TYPE_CHECKING:
    from sqlqueue.celery.app.base import Celery


def report(panel: Any) -> dict[str, str]:
    """Say versions, tasks and settings."""
    return {"ok": panel.app.bugreport()}


def hello(panel: Any, from_node: str, revoked: Any = None) -> dict[str, Any]:
    """Take the ids of jobs that another worker knows as revoked, and say which are known here."""
    state.revoked.update(revoked or ())
    known = {*state.revoked, *looking.revoked(panel)}
    return {"revoked": sorted(known), **looking.clock(panel)}


def revoke_by_stamped_headers(panel: Any, headers: Any) -> dict[str, Any]:  # the panel is what every command is given
    """Run no job any more that carries one of these stamps: for as long as this worker lives."""
    state.revoked_stamps.update(headers)
    return {"ok": f"headers {headers} flagged as revoked, but not terminated"}


COMMANDS = (report, hello, revoke_by_stamped_headers)
"""What Celery's workers answer and ours do not, or otherwise."""


class Inspect(Questions):
    """Questions to workers."""

    def hello(self, from_node: str, revoked: Any = None) -> Any:
        """Exchange the ids of revoked jobs."""
        return self.call("hello", from_node=from_node, revoked=revoked)


class Control(Ours):
    """What is asked of workers."""

    def __init__(self, app: Celery) -> None:
        super().__init__(app.client)
        self._app = app

    def inspect(self, *args: Any, **how: Any) -> Inspect:
        """Return what asks workers about themselves."""
        how.pop("connection", None)
        return Inspect(self, super().inspect(*args, **how)._how)

    def purge(self, connection: Any = None) -> int:
        """Throw away what waits; return how many jobs that were."""
        return self._app.jobs.purge(queue_names(self._app.conf))

    discard_all = purge

    def revoke(self, task_id: Any, *_: Any, reply: bool = False, **__: Any) -> Any:
        """Revoke jobs: in the database, at once, whether a worker lives or not."""
        ids = [task_id] if isinstance(task_id, str) else list(task_id)
        self._app.jobs.revoke(Which(ids=ids))
        return self._said(f"tasks {', '.join(ids)} flagged as revoked") if reply else None

    def revoke_by_stamped_headers(self, headers: Any, *_: Any, reply: bool = False, **__: Any) -> Any:
        """Revoke the jobs that carry one of these stamps, and, while today's workers live, those that will."""
        for name, values in headers.items():
            wanted = values if isinstance(values, list | tuple | set) else [values]
            self._app.jobs.revoke(Which(header=name, header_values=[str(one) for one in wanted]))
        replies = self.broadcast("revoke_by_stamped_headers", {"headers": dict(headers)}, reply=True)
        return replies if reply else None

    def _said(self, text: str) -> list[dict[str, Any]]:
        """Return what each living worker would say."""
        return [{one.name: {"ok": text}} for one in self._app.queues.workers()]

"""``app.control``: ours, and what Celery's has besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.control import Control as Ours
from sqlqueue.client.routes import queue_names
from sqlqueue.domain.which import Which

if TYPE_CHECKING:
    from sqlqueue.celery.app.base import Celery


class Control(Ours):
    """What is asked of workers."""

    def __init__(self, app: Celery) -> None:
        super().__init__(app.client)
        self._app = app

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
        """Revoke jobs by their stamps."""
        for name, values in headers.items():
            wanted = values if isinstance(values, list | tuple | set) else [values]
            self._app.jobs.revoke(Which(header=name, header_values=[str(one) for one in wanted]))
        return self._said(f"headers {headers} flagged as revoked, but not terminated") if reply else None

    def _said(self, text: str) -> list[dict[str, Any]]:
        """Return what each living worker would say."""
        return [{one.name: {"ok": text}} for one in self._app.queues.workers()]

"""Revoking, as a command: it is done in the database, whoever holds the jobs, so it does not matter who does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.client.control import by_stamps
from sqlqueue.domain.which import Which

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlqueue.client.control import Stamps
    from sqlqueue.worker.control.panel import Panel


def revoke(
    panel: Panel, task_id: str | Sequence[str], *, terminate: bool = False, signal: str = "SIGTERM", **_: Any
) -> dict[str, str]:
    """Revoke jobs by their ids: what waits is over, what runs has no other try."""
    ids = [task_id] if isinstance(task_id, str) else list(task_id)
    panel.app.jobs.revoke(Which(ids=ids), terminate=terminate, signal=signal)
    return {"ok": f"tasks {', '.join(ids)} {'terminated' if terminate else 'flagged as revoked'}"}


def terminate(panel: Panel, signal: str, task_id: str | Sequence[str]) -> dict[str, str]:
    """Revoke jobs by their ids and end those that run, by a signal to their processes."""
    return revoke(panel, task_id, terminate=True, signal=signal)


def revoke_by_stamped_headers(
    panel: Panel, headers: Stamps, *, terminate: bool = False, signal: str = "SIGTERM", **_: Any
) -> dict[str, str]:
    """Revoke jobs by their stamps."""
    found = by_stamps(headers)
    for which in found:
        panel.app.jobs.revoke(which, terminate=terminate, signal=signal)
    stamps = [f"{which.header}={value}" for which in found for value in which.header_values]
    return {"ok": f"tasks stamped {', '.join(stamps)} flagged as revoked"}


def heed(panel: Panel, jobs: Sequence[tuple[str, int]], signal: str | None = None) -> None:
    """Let jobs of this worker not start that were revoked, and with a signal end those that run."""
    panel.revocations.heed([(id_, token) for id_, token in jobs], signal)

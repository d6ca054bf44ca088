"""`AsyncResult` of a Celery app: ours, and what only Celery's has."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery import _state, states
from sqlqueue.client import result as ours
from sqlqueue.client.answers import celery_state
from sqlqueue.client.client import Client
from sqlqueue.domain.states import State
from sqlqueue.errors import ChordError
from sqlqueue.serialization.failures import restore


class AsyncResult(ours.AsyncResult[Any]):
    """A handle on one job of a Celery app.

    Parameters
    ----------
    asker: its client; without one the client of ``app``, or of the current app.
    """

    def __init__(
        self, id: str, asker: Any = None, in_transaction: Any = None, parent: Any = None, *, app: Any = None,  # noqa: A002
        **_: Any,
    ) -> None:  # fmt: skip
        if not isinstance(asker, Client):
            asker, in_transaction = _state.app_or_default(app).client, None
        super().__init__(id, asker, in_transaction, parent)

    @staticmethod
    def reduced(handle: Any) -> Any:
        """Say how a handle is pickled: as ids; it belongs to the current app where it is unpickled."""
        written = handle.as_tuple() if hasattr(handle, "as_tuple") else [one.as_tuple() for one in handle.results]
        return unpickled, (written,)

    @property
    def app(self) -> Any:
        """The app that it belongs to."""
        return self._asker.app  # type: ignore[attr-defined]

    @property
    def state(self) -> str:
        """Celery's word; of a job that runs what it was before, unless its task has asked for STARTED."""
        record = self._look()
        if record is None or record.state is not State.RUNNING or record.told is not None or self._tracked(record.task):
            return celery_state(record)
        return states.RETRY if record.retries else states.PENDING

    def _tracked(self, task: str) -> bool:
        """Tell whether running jobs of that task are seen: the task says so, if it is known here, or a setting."""
        own = getattr(self.app.tasks.get(task), "track_started", None)
        return bool(self.app.conf.task_track_started if own is None else own)

    @property
    def result(self) -> Any:
        """The value or the exception; of a job that is to be tried again, why."""
        record = self._look()
        if record is not None and record.finished_at is None and record.error and self.state == states.RETRY:
            return restore(None, record.error)
        return super().result

    info = result

    @property
    def backend(self) -> Any:
        """Where results are."""
        return self.app.backend

    def get(self, timeout: float | None = None, propagate: bool = True, *_: Any, **named: Any) -> Any:
        """Wait for the job and return its value; what failed before it is raised instead, unless told otherwise."""
        try:
            return super().get(timeout, propagate=propagate, **named)
        except ChordError:
            if named.get("follow_parents", True):
                self._raise_cause()
            raise

    def _raise_cause(self) -> None:
        """Raise what the first of those before it has raised."""
        node, line = self.parent, []
        while node is not None:
            line.append(node)
            node = node.parent
        for one in reversed(line):
            one.maybe_throw()

    wait = get

    def revoke(self, connection: Any = None, terminate: bool = False, signal: Any = None, **_: Any) -> None:
        """Revoke the job."""
        self.app.control.revoke(self.id, terminate=terminate, signal=signal)

    def revoke_by_stamped_headers(
        self, headers: Any, connection: Any = None, terminate: bool = False, **_: Any
    ) -> None:
        """Revoke jobs by their stamps."""
        self.app.control.revoke_by_stamped_headers(headers, terminate=terminate)


def unpickled(written: Any) -> Any:
    """Return the handle that was pickled, of the current app."""
    app = _state.app_or_default(None)
    several = isinstance(written, list)
    return app.ResultSet(map(app.result_from_tuple, written)) if several else app.result_from_tuple(written)

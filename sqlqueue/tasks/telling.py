"""What a running task tells of itself: `update_state`, `progress`, and what `Ignore` makes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.outcome import Failed, Failure, Outcome, Revoked, Succeeded
from sqlqueue.errors import EncodingError, TaskError
from sqlqueue.serialization.failures import describe
from sqlqueue.serialization.json import encode
from sqlqueue.serialization.sizes import RESULT_SIZE, of_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlqueue.tasks.context import Context
    from sqlqueue.tasks.sender import Sender

PROGRESS = "PROGRESS"
"""The state of a job that has said how far it is."""

MAX_STATE = 64
"""Characters of a state's name."""


class Telling:
    """What a task can tell of the job that runs it."""

    _sender: Callable[[], Sender]
    request: Any

    def update_state(self, task_id: str | None = None, state: str | None = None, meta: Any = None) -> None:
        """Let the running job show a state of your own, with what belongs to it, until it is over; written at once.

        Followed by ``raise Ignore()``, the states SUCCESS, FAILURE and REVOKED become the job's end. Called without a
        job, nothing is shown.

        Parameters
        ----------
        task_id: another running job; default: this one.
        state: any name; the handle's ``state`` is it.
        meta: what the handle's ``info`` is meanwhile.

        Raises
        ------
        EncodingError: ``meta`` could not be stored. TaskError: the state is no name, or the task is transactional and
        the database has one writer.
        """
        show_state(self._sender, self.request, state, meta, task_id)

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Let the running job show how far it is: the state PROGRESS. Never waits; may be called as often as you like.

        Parameters
        ----------
        done, total: in whatever unit.
        message: a line to show.
        """
        show_progress(self._sender, self.request, done, total, message)

    def send_event(
        self, type_: str, /, retry: bool = True, retry_policy: Any = None, **fields: Any,  # noqa: ARG002 - Celery's
    ) -> None:  # fmt: skip
        """Tell an event of your own, with the job's id as ``uuid``, to whoever watches; never waits.

        Parameters
        ----------
        type_: such as ``task-shop-packed``.
        retry, retry_policy: Celery's; without effect.
        fields: what JSON can hold.
        """
        request, dispatcher = self.request, getattr(self._sender(), "dispatcher", None)
        if not request.is_eager and dispatcher is not None:
            about = {"uuid": request.id, "hostname": request.hostname}
            dispatcher.send(type_, **{**about, **fields})


def show_state(sender: Callable[[], Sender], request: Context, state: Any, meta: Any, job_id: str | None) -> None:
    """Let a running job show a state of the caller's own; see `Task.update_state`."""
    if not isinstance(state, str) or not state.isprintable() or not 0 < len(state) <= MAX_STATE:
        raise TaskError(f"state is {state!r}: use a string of 1 to {MAX_STATE} printable characters")
    text = _written(str(meta) if isinstance(meta, BaseException) else meta, sender, request)
    if job_id is not None and job_id != request.id:
        sender().teller.tell(job_id, None, state, text)
    elif request.id is not None:
        request.told = (state, meta)
        if not request.is_eager:
            _refuse_in_the_only_transaction(sender, request)
            sender().teller.tell(request.id, request.fence, state, text)


def show_progress(sender: Callable[[], Sender], request: Context, done: Any, total: Any, message: Any) -> None:
    """Let the running job show how far it is; see `Task.progress`."""
    for name, value in (("done", done), ("total", 0 if total is None else total)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise TaskError(f"{name} is {value!r}: use a number")
    if message is not None and not isinstance(message, str):
        raise TaskError(f"message is {message!r}: use a string")
    meta = {"done": done, "total": total, "message": message}
    text = _written(meta, sender, request)
    if request.id is None:
        return
    request.told = (PROGRESS, meta)
    if not request.is_eager and not _is_the_only_writer(sender, request):
        sender().teller.tell_later(request.id, request.fence, PROGRESS, text)


def _written(meta: Any, sender: Callable[[], Sender], request: Context) -> str:
    """Return what belongs to a state as JSON text."""
    try:
        return encode(meta, "meta", sender().config.result_max_size)
    except EncodingError as error:
        raise of_task(error, request.task or "outside a job", RESULT_SIZE) from None


def _is_the_only_writer(sender: Callable[[], Sender], request: Context) -> bool:
    return request.transaction is not None and not sender().store.dialect.many_writers


def _refuse_in_the_only_transaction(sender: Callable[[], Sender], request: Context) -> None:
    if _is_the_only_writer(sender, request):
        raise TaskError(
            "a transactional task cannot show a state where its transaction keeps everybody else from writing, as here;"
            " do the long part in a task that is not transactional"
        )


def ended_as(told: tuple[str, Any] | None, keep: Callable[[Any], str | None], runtime: float) -> Outcome:
    """Return what became of a job that raised `Ignore`: the state that it has told, as in Celery, if that is an end.

    Parameters
    ----------
    keep: returns what is kept of a value, as JSON text.
    runtime: seconds.
    """
    state, meta = told if told is not None else ("", None)
    if state == "SUCCESS":
        try:
            return Succeeded(keep(meta), runtime)
        except EncodingError as error:
            return Failed(describe(error), runtime)
    if state == "FAILURE":
        return Failed(_failure(meta), runtime)
    if state == "REVOKED":
        return Revoked("revoked" if meta is None else str(meta))
    return Succeeded(None, runtime)


def _failure(meta: Any) -> Failure:
    if isinstance(meta, BaseException):
        return describe(meta)
    if isinstance(meta, dict) and "exc_type" in meta:  # Celery's form of an exception
        message = meta.get("exc_message", "")
        return Failure(
            f"{meta['exc_type']}: {message[0] if isinstance(message, list | tuple) and message else message}"
        )
    return describe(TaskError("failed" if meta is None else str(meta)))

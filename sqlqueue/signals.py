"""Celery's signals, by its names: what other code wants to do when something happens around a job or a worker.

A receiver is connected with ``task_prerun.connect(function)`` and called with keywords; what it raises is logged and
changes nothing. A signal that nobody has connected to costs one look at an empty list. Which process calls a receiver
is said beside each signal: a child of the prefork pool has only those that were connected before it was forked.
"""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("sqlqueue.signals")

F = TypeVar("F", bound="Callable[..., Any]")


class _Receiver(NamedTuple):
    """One connected function: its identity, how to get at it (None when it is gone), and whose signals it wants."""

    key: object
    find: Callable[[], Callable[..., Any] | None]
    sender: str | None


class Place:
    """Where several signals are sent from, which looks at one value to know whether anybody wants any of them."""

    def __init__(self) -> None:
        self.watched = False
        self.signals: list[Signal] = []


class Signal:
    """Something that receivers can be connected to.

    Parameters
    ----------
    name: what it is called.
    place: where it is sent from, if others are too.
    """

    def __init__(self, name: str, place: Place | None = None) -> None:
        self.name = name
        self._receivers: tuple[_Receiver, ...] = ()
        self._place = place
        if place is not None:
            place.signals.append(self)

    @property
    def receivers(self) -> tuple[_Receiver, ...]:
        """What is connected."""
        return self._receivers

    @receivers.setter
    def receivers(self, found: tuple[_Receiver, ...]) -> None:
        self._receivers = found
        if self._place is not None:
            self._place.watched = any(self._place.signals)

    def __repr__(self) -> str:
        return f"<Signal: {self.name}>"

    def __bool__(self) -> bool:
        """Whether anybody is connected."""
        return bool(self.receivers)

    def connect(
        self, receiver: F | None = None, sender: Any = None, weak: bool = True, dispatch_uid: object = None,
        **_: object,
    ) -> Any:  # fmt: skip
        """Call ``receiver`` from now on; may be used as a decorator, with or without arguments.

        Parameters
        ----------
        sender: only signals from this sender: a task or its name, a worker's name.
        weak: forget the receiver when nobody else holds it, as a bound method's instance.
        dispatch_uid: an identity of its own: a second receiver of the same identity is not connected.
        """
        if receiver is None:
            return lambda found: self.connect(found, sender, weak, dispatch_uid)
        wanted = _name_of(sender)
        key = (dispatch_uid or _identity(receiver), wanted)
        if all(one.key != key for one in self.receivers):
            self.receivers = (*self.receivers, _Receiver(key, self._reference(receiver, weak=weak), wanted))
        return receiver

    def disconnect(
        self, receiver: Callable[..., Any] | None = None, sender: Any = None, weak: bool | None = None,  # noqa: ARG002
        dispatch_uid: object = None,
    ) -> bool:  # fmt: skip
        """Call it no more; return whether it was connected."""
        key = (dispatch_uid or (receiver and _identity(receiver)), _name_of(sender))
        before = self.receivers
        self.receivers = tuple(one for one in before if one.key != key)
        return len(self.receivers) < len(before)

    def has_listeners(self, sender: Any = None) -> bool:
        """Whether somebody wants what this sender sends."""
        name = _name_of(sender)
        return any(one.sender in (None, name) for one in self.receivers)

    def send(self, sender: Any = None, **named: Any) -> list[tuple[Callable[..., Any], Any]]:
        """Call the receivers in the order in which they were connected; return what each returned, or raised."""
        answers: list[tuple[Callable[..., Any], Any]] = []
        name = _name_of(sender)
        for one in self.receivers:
            receiver = one.find() if one.sender in (None, name) else None
            if receiver is None:
                continue
            try:
                answer = receiver(signal=self, sender=sender, **named)
            except Exception as error:
                logger.exception("a receiver of %s failed: %r", self.name, receiver)
                answer = error
            answers.append((receiver, answer))
        return answers

    send_robust = send

    def _reference(self, receiver: Callable[..., Any], *, weak: bool) -> Callable[[], Callable[..., Any] | None]:
        if not weak:
            return lambda: receiver
        if hasattr(receiver, "__self__") and hasattr(receiver, "__func__"):
            return weakref.WeakMethod(receiver, self._forget)
        return weakref.ref(receiver, self._forget)

    def _forget(self, gone: object) -> None:
        self.receivers = tuple(one for one in self.receivers if one.find is not gone)


def _identity(receiver: Callable[..., Any]) -> object:
    """Return what tells receivers apart: of a bound method its instance too."""
    owner = getattr(receiver, "__self__", None)
    return (id(owner), id(getattr(receiver, "__func__", None))) if owner is not None else id(receiver)


def _name_of(sender: Any) -> str | None:
    """Return a sender's name: tasks and workers are told apart by theirs."""
    return None if sender is None else sender if isinstance(sender, str) else getattr(sender, "name", None) or ""


RUNS = Place()
"""Where tasks run."""
PUBLISHES = Place()
"""Where jobs are sent."""

before_task_publish = Signal("before_task_publish", PUBLISHES)
"""In the sender, before a job is inserted; what a receiver adds to ``headers`` travels with the job."""
after_task_publish = Signal("after_task_publish", PUBLISHES)
"""In the sender, when a job has been inserted."""
task_received = Signal("task_received")
"""In the worker's parent, when a job has been claimed; ``request`` tells of it."""
task_prerun = Signal("task_prerun", RUNS)
"""Where the task runs, before it is called."""
task_postrun = Signal("task_postrun", RUNS)
"""Where the task has run, whatever came of it."""
task_success = Signal("task_success", RUNS)
"""Where the task has run and returned."""
task_retry = Signal("task_retry", RUNS)
"""Where the task has run and is to be tried again."""
task_failure = Signal("task_failure", RUNS)
"""Where the task has run and failed for good."""
task_internal_error = Signal("task_internal_error", RUNS)
"""Where a job could not even be run: its arguments cannot be read, or its result cannot be stored."""
task_revoked = Signal("task_revoked")
"""In the worker's parent, when a job that it had claimed ended revoked or expired."""
task_rejected = Signal("task_rejected")
"""In the worker's parent, when a job goes back because its task refused it."""
task_unknown = Signal("task_unknown")
"""In the worker's parent, when a job goes back because its task is not known here."""
celeryd_init = Signal("celeryd_init")
"""In the worker's parent, before its options are read; ``conf`` may be changed. ``sender`` is the worker's name."""
celeryd_after_setup = Signal("celeryd_after_setup")
"""In the worker's parent, when it is set up and has not begun."""
worker_init = Signal("worker_init")
"""In the worker's parent, before it is made."""
worker_ready = Signal("worker_ready")
"""In the worker's parent, when it begins to claim."""
worker_shutting_down = Signal("worker_shutting_down")
"""In the worker's parent, when it claims no more."""
worker_shutdown = Signal("worker_shutdown")
"""In the worker's parent, when it has signed off."""
worker_process_init = Signal("worker_process_init")
"""In a child of the prefork pool, before its first job."""
worker_process_shutdown = Signal("worker_process_shutdown")
"""In a child of the prefork pool, when it ends in good order."""
setup_logging = Signal("setup_logging")
"""In the worker's parent: who is connected sets logging up instead of the worker."""
after_setup_logger = Signal("after_setup_logger")
"""In the worker's parent, when the root logger is set up."""
after_setup_task_logger = Signal("after_setup_task_logger")
"""In the worker's parent, when the tasks' logger is set up."""

"""Celery's names for signatures and what is made of them."""

from __future__ import annotations

from typing import Any

from sqlqueue.celery import _state
from sqlqueue.tasks import shapes
from sqlqueue.tasks.over import chunks, xmap, xstarmap
from sqlqueue.tasks.shapes import chain, chord, group
from sqlqueue.tasks.signature import Signature
from sqlqueue.tasks.stamping import StampingVisitor

_chain, _chord = chain, chord


def signature(varies: Any, *args: Any, **kwargs: Any) -> Signature:
    """Return a signature: of a task by its name, or the one that a dict describes; the current app sends it."""
    app = kwargs.pop("app", None)
    if isinstance(varies, Signature) and not args and not kwargs:
        return varies.clone()
    return shapes.signature(varies, *args, app=app or _state.get_current_app(), **kwargs)


subtask = signature


def maybe_signature(d: Any, app: Any = None, clone: bool = False) -> Any:
    """Return a dict as the signature that it describes; anything else as it is."""
    if d is None or not isinstance(d, dict):
        return d
    if isinstance(d, Signature):
        return d.clone() if clone else d
    return signature(d, app=app)


maybe_subtask = maybe_signature

__all__ = [
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_signature",
    "maybe_subtask",
    "Signature",
    "signature",
    "StampingVisitor",
    "subtask",
    "xmap",
    "xstarmap",
]

Signature.of_no_app = staticmethod(lambda: _state.get_current_app().sender)

"""Stamps: names and values that are put on every job of a workflow, to find its jobs by, or to revoke them by.

A stamp is a header. Which headers are stamps stands in the header ``stamped_headers``; their values are what was
given, and lists once something was added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.canvas.shapes import header, kind_of, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from sqlqueue.tasks.signature import Signature

STAMPED = "stamped_headers"


class StampingVisitor:
    """Says what to put on each signature of a workflow; each method may return more stamps, and need not be there.

    What ``on_signature`` returns under ``stamped_headers`` names those of its values that are stamps; without it all.
    """

    def on_signature(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return the stamps of one call."""

    def on_group_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for all members of a group."""

    def on_group_end(self, sig: Signature, **headers: Any) -> None:
        """Be told that a group is done."""

    def on_chain_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for all steps of a chain."""

    def on_chain_end(self, sig: Signature, **headers: Any) -> None:
        """Be told that a chain is done."""

    def on_chord_header_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for all members of a chord's header."""

    def on_chord_header_end(self, sig: Signature, **headers: Any) -> None:
        """Be told that a header is done."""

    def on_chord_body(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for a chord's body."""

    def on_callback(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for a link."""

    def on_errback(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        """Return stamps for an errback."""


def put_stamps(sig: Any, visitor: StampingVisitor | None, stamps: Mapping[str, Any], *, append: bool) -> None:
    """Put stamps on a signature and on all that it is made of, links and errbacks included.

    Parameters
    ----------
    append: add to the values of stamps that are there, instead of replacing them.
    """
    asks = visitor or StampingVisitor()
    for option, ask in (("link", asks.on_callback), ("link_error", asks.on_errback)):
        callbacks: list[Any] = listed(sig["options"].get(option))
        for callback in callbacks:
            put_stamps(callback, visitor, {**stamps, **(ask(callback, **stamps) or {})}, append=append)
    match kind_of(sig):
        case "chain":
            _put_inside(sig, visitor, {**stamps, **(asks.on_chain_start(sig, **stamps) or {})}, append=append)
            asks.on_chain_end(sig, **stamps)
        case "group":
            _put_inside(sig, visitor, {**stamps, **(asks.on_group_start(sig, **stamps) or {})}, append=append)
            asks.on_group_end(sig, **stamps)
        case "chord":
            inner = {**stamps, **(asks.on_chord_header_start(sig, **stamps) or {})}
            _put_inside(header(sig), visitor, inner, append=append)
            asks.on_chord_header_end(sig, **stamps)
            body = sig["kwargs"].get("body")
            if body is not None:
                put_stamps(body, visitor, {**stamps, **(asks.on_chord_body(sig, **stamps) or {})}, append=append)
        case _:
            _put(sig["options"], stamps, dict(asks.on_signature(sig, **stamps) or {}), append=append)


def _put_inside(
    sig: Mapping[str, Any], visitor: StampingVisitor | None, stamps: Mapping[str, Any], *, append: bool
) -> None:  # fmt: skip
    for member in listed(sig["kwargs"].get("tasks")):
        put_stamps(member, visitor, stamps, append=append)


def _put(options: MutableMapping[str, Any], stamps: Mapping[str, Any], own: dict[str, Any], *, append: bool) -> None:
    names = own.pop(STAMPED, list(own))
    values = {**stamps, **{name: own[name] for name in names}}
    headers = dict(options.get("headers") or {})
    for name, value in values.items():
        if append and name in headers:
            before = _as_list(headers[name])
            headers[name] = [*before, *(one for one in _as_list(value) if one not in before)]
        else:
            headers[name] = _as_list(value) if isinstance(value, tuple | set) else value
    headers[STAMPED] = sorted({*headers.get(STAMPED, ()), *values})
    options["headers"] = headers


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]

"""Reads signatures in their JSON form, which are Celery's: what kind one is, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Sig = dict[str, Any]
"""``task``, ``args``, ``kwargs``, ``options``, ``subtask_type`` and ``immutable``."""

JOIN, MAP, STARMAP = "sqlqueue.join", "sqlqueue.map", "sqlqueue.starmap"
BUILTINS = (JOIN, MAP, STARMAP)
"""Tasks that every worker knows."""

FIRST_ONLY = frozenset({"countdown", "eta"})
"""Options that only delay the beginning of a workflow."""

OWN = frozenset({"task_id", "link", "link_error", "group_id", "session", "connection"})
"""Options that mean one signature and are not handed down to those that it is made of."""


def kind_of(sig: Mapping[str, Any]) -> str | None:
    """Return ``chain``, ``group``, ``chord``, ``chunks``, or None for the call of a task."""
    kind = sig.get("subtask_type")
    return kind if kind in ("chain", "group", "chord", "chunks") else None


def task(name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Sig:
    """Return the signature of one call."""
    return {
        "task": name, "args": tuple(args), "kwargs": dict(kwargs or {}), "options": {}, "subtask_type": None,
        "immutable": False,
    }  # fmt: skip


def listed(value: Any) -> list[Sig]:
    """Return one signature, or several, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def as_signature(given: Any) -> Any:
    """Return the signature of a task, and anything else as it is."""
    return given.s() if not isinstance(given, dict) and hasattr(given, "apply_async") else given


def copied(value: Any) -> Any:
    """Return a copy of a signature's JSON form, all signatures inside it copied too."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(copied(inner) for inner in value)
    return value


def check_signature(value: Any, what: str) -> None:
    """Raise TaskError for what is no signature; ``what``, an option's name, says where it stands."""
    if not isinstance(value, dict) or "task" not in value:
        raise TaskError(f"{what}: {value!r} is no signature: use task.s(...)")


def callbacks(options: Mapping[str, Any], name: str) -> list[Sig]:
    """Return the links, or the errbacks, that options have.

    Raises
    ------
    TaskError: one is no signature.
    """
    found = listed(options.get(name))
    for one in found:
        check_signature(one, name)
    return [{**task(one["task"]), **one} for one in found]  # somebody's own JSON may have left something out


def members(group: Mapping[str, Any]) -> Iterator[Sig]:
    """Return the members of a group; groups among them count as their members, all run at a time anyway."""
    for member in listed(group["kwargs"].get("tasks")):
        if kind_of(member) == "group":
            yield from (immutable_as(member, handed_down(member, inner)) for inner in members(member))
        else:
            yield member


def header(chord: Mapping[str, Any]) -> Sig:
    """Return a chord's header as a group."""
    found = chord["kwargs"].get("header")
    if isinstance(found, dict) and kind_of(found) == "group":
        return immutable_as(chord, found)
    return immutable_as(chord, task("sqlqueue.group", (), {"tasks": listed(found)}) | {"subtask_type": "group"})


def steps(chain: Mapping[str, Any], *, in_headers: bool = False) -> list[Sig]:
    """Return the steps of a chain: chains in it are spliced, groups of one are their member, empty ones left out.

    Parameters
    ----------
    in_headers: see `with_errbacks`.
    """
    found: list[Sig] = []
    for step in listed(chain["kwargs"].get("tasks")):
        if kind_of(step) == "chain":
            found += _spliced(step, in_headers=in_headers)
        elif kind_of(step) != "group":
            found.append(step)
        else:
            inner = list(members(step))
            if len(inner) == 1 and kind_of(inner[0]) == "chain":
                found += _spliced(immutable_as(step, handed_down(step, inner[0])), in_headers=in_headers)
            elif inner:
                found.append(immutable_as(step, handed_down(step, inner[0])) if len(inner) == 1 else step)
    return found


def _spliced(chain: Sig, *, in_headers: bool) -> list[Sig]:
    """Return the steps of an inner chain, which carry what was set on it: its links its last, its errbacks each."""
    inner = [handed_down(chain, step) for step in steps(chain, in_headers=in_headers)]
    if inner:
        links, errbacks = listed(chain["options"].get("link")), listed(chain["options"].get("link_error"))
        inner = with_errbacks(inner, errbacks, in_headers=in_headers)
        inner[-1] = with_callbacks(inner[-1], links, ())
        inner[0] = immutable_as(chain, inner[0] | {"args": (*chain["args"], *inner[0]["args"])})
    return inner


def chunked(sig: Mapping[str, Any]) -> Sig:
    """Return chunks as a group: each member maps one slice of what is to be done."""
    inner, items, size = sig["kwargs"]["task"], list(sig["kwargs"]["it"]), sig["kwargs"]["n"]
    calls = [
        task(STARMAP, (), {"task": inner, "it": items[start : start + size]}) | {"immutable": True}
        for start in range(0, len(items), size)
    ]
    return task("sqlqueue.group", (), {"tasks": calls}) | {"subtask_type": "group", "options": sig["options"]}


def handed_down(outer: Mapping[str, Any], inner: Sig) -> Sig:
    """Return ``inner`` with the options of what it is part of, its own first."""
    if not outer["options"]:
        return inner
    options = {name: value for name, value in outer["options"].items() if name not in OWN}
    return inner | {"options": options | inner["options"]} if options else inner


def immutable_as(outer: Mapping[str, Any], inner: Sig) -> Sig:
    """Return ``inner``, which would be given what ``outer`` is given; an immutable one takes nothing."""
    return inner | {"immutable": True} if outer.get("immutable") else inner


def with_callbacks(sig: Sig, links: Sequence[Sig], errbacks: Sequence[Sig]) -> Sig:
    """Return ``sig`` with more links and errbacks."""
    if not links and not errbacks:
        return sig
    options = dict(sig["options"])
    for name, more in (("link", links), ("link_error", errbacks)):
        if more:
            options[name] = [*listed(options.get(name)), *more]
    return sig | {"options": options}


def with_errbacks(chain: list[Sig], errbacks: Sequence[Sig], *, in_headers: bool) -> list[Sig]:
    """Return the steps of a chain with its errbacks on each.

    Parameters
    ----------
    in_headers: also on a group that another step follows on. That step is a chord's body, which fails when a member
        of the group does: without this its errbacks are enough.
    """
    return [
        step if kind_of(step) == "group" and step is not chain[-1] and not in_headers
        else with_callbacks(step, (), errbacks)
        for step in chain
    ]  # fmt: skip


def with_callbacks_inside(group: Mapping[str, Any], found: list[Sig]) -> list[Sig]:
    """Return a group's members with what is linked to the group: its links on the first, its errbacks on each."""
    if not group["options"]:
        return found
    links = [link | {"immutable": True} for link in callbacks(group["options"], "link")]
    errbacks = callbacks(group["options"], "link_error")
    return [with_callbacks(one, () if number else links, errbacks) for number, one in enumerate(found)]


def without(sig: Sig, names: frozenset[str] | set[str]) -> Sig:
    """Return ``sig`` without options that were handed down to it."""
    if not names:
        return sig
    return sig | {"options": {name: value for name, value in sig["options"].items() if name not in names}}


def called_with(own: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's own options with those that the call of the whole adds."""
    options = own | {name: value for name, value in given.items() if name not in OWN and value is not None}
    called = with_callbacks({"options": options}, listed(given.get("link")), listed(given.get("link_error")))
    return dict(called["options"])

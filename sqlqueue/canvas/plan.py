"""`plan`: from a signature, nested to any depth, to jobs and the edges between them. Pure.

A chain's step waits for the one before it, a chord's body for every member of its header, a link for its job, an
errback for its job's failure. Where many follow on many, a job that only gathers stands between them, so that ten
thousand after ten thousand are twenty thousand edges and not a hundred million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlqueue.canvas.shapes import (
    FIRST_ONLY,
    JOIN,
    OWN,
    Sig,
    callbacks,
    called_with,
    chunked,
    handed_down,
    header,
    immutable_as,
    kind_of,
    listed,
    members,
    steps,
    task,
    with_callbacks,
    with_callbacks_inside,
    with_errbacks,
    without,
)
from sqlqueue.domain.workflow import Edge, Takes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class One(NamedTuple):
    """What a call, a chain or a chord ends in: one job, and what came ``before`` it."""

    id: str
    before: Handle | None = None


class Many(NamedTuple):
    """What a group ends in."""

    id: str
    members: tuple[Handle, ...]
    before: Handle | None = None


Handle = One | Many


@dataclass(slots=True)
class Row:
    """One job to be.

    Parameters
    ----------
    takes: what it is given by the jobs that it waits for; None: it waits for none.
    feeds: whether others wait for it.
    begins: whether it is one of the first jobs of a header that stands after something.
    parent: the (last) job that it waits for.
    group: the group that it is a member of.
    given_id: whether the caller chose the id.
    """

    id: str
    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    takes: Takes | None = None
    feeds: bool = False
    begins: bool = False
    parent: str | None = None
    group: str | None = None
    given_id: bool = False

    def is_like(self, other: Row) -> bool:
        """Whether the two differ in nothing but their ids and arguments."""
        return (
            self.task == other.task and self.group == other.group and self.options == other.options
            and self.takes == other.takes and self.feeds == other.feeds and self.parent == other.parent
            and self.begins == other.begins
        )  # fmt: skip


class Given(NamedTuple):
    """What the call of a signature adds to it: arguments before those of the first jobs, options over theirs."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}


NOTHING_GIVEN = Given()


class Plan(NamedTuple):
    """The rows of a workflow, its first jobs first, the edges between them, and what waiting for it means."""

    rows: list[Row]
    edges: list[Edge]
    handle: Handle | None


def plan(
    sig: Mapping[str, Any], new_id: Callable[[], str], given: Given = NOTHING_GIVEN, *,
    errbacks_in_headers: bool = False,
) -> Plan:  # fmt: skip
    """Lay out a signature.

    Parameters
    ----------
    sig: its JSON form.
    new_id: returns a new job id each time.
    given: what its call adds.
    errbacks_in_headers: whether the errbacks of a chord run for each member of its header that fails, too.
    """
    planner = _Planner(new_id, errbacks_in_headers=errbacks_in_headers)
    handle = planner.place(dict(sig), _Place(given=given, id=given.options.get("task_id")))
    match handle, kind_of(sig):
        case None, "chain" if listed(sig["kwargs"].get("tasks")):
            handle = Many(new_id(), ())  # it is one of empty groups
        case Many(own, (Many(_, inner, _),), before), "group":
            handle = Many(own, inner, before)  # as in Celery: a group of one group is that group
    return Plan(planner.rows, planner.edges, handle)


class _Place(NamedTuple):
    """Where in the workflow a signature stands.

    ``after``: the jobs that it waits for, None at the beginning; ``many``: whether it is given a list; ``joined``:
    whether it waits for a job that only gathers; ``failing``: whether it waits for their failure; ``begins``: whether
    it is the beginning of a header.
    """

    after: tuple[str, ...] | None = None
    many: bool = False
    joined: bool = False
    failing: bool = False
    begins: bool = False
    given: Given = NOTHING_GIVEN
    before: Handle | None = None
    group: str | None = None
    id: str | None = None


class _Planner:
    def __init__(self, new_id: Callable[[], str], *, errbacks_in_headers: bool) -> None:
        self.rows: list[Row] = []
        self.edges: list[Edge] = []
        self._new_id = new_id
        self._in_headers = errbacks_in_headers
        self._by_id: dict[str, Row] = {}

    def place(self, sig: Sig, place: _Place) -> Handle | None:
        """Lay out one signature; None when it is empty."""
        kind = kind_of(sig)
        if kind is None:
            return self._task(sig, place)
        if place.after is None and sig["args"]:
            place = place._replace(given=place.given._replace(args=(*place.given.args, *sig["args"])))
        match kind:
            case "chain":
                return self._chain(sig, place)
            case "group":
                return self._group(sig, place)
            case "chord":
                return self._chord(sig, place)
        return self._group(chunked(sig), place)

    def _chain(self, sig: Sig, place: _Place) -> Handle | None:
        links, errbacks = listed(sig["options"].get("link")), listed(sig["options"].get("link_error"))
        links += listed(place.given.options.get("link"))
        errbacks += listed(place.given.options.get("link_error"))
        found = [handed_down(sig, step) for step in steps(sig, in_headers=self._in_headers)]
        found = with_errbacks(found, errbacks, in_headers=self._in_headers)
        found[:1] = [immutable_as(sig, first) for first in found[:1]]
        known = place.id or sig["options"].get("task_id")
        handle: Handle | None = place.before
        for number, step in enumerate(found):
            last = number == len(found) - 1
            here = place._replace(group=None, id=None, given=_without_callbacks(place.given))
            if number:
                after, many = self._ends(handle)
                here = _Place(after=after, many=many, before=handle)
                step = without(step, FIRST_ONLY & sig["options"].keys())  # noqa: PLW2901
            if kind_of(step) == "group" and not last:
                here = here._replace(begins=here.after is not None)
            if last:
                here = here._replace(group=place.group, id=known)
                step = with_callbacks(step, links, ())  # noqa: PLW2901
            handle = self.place(step, here) or handle
        return handle if found else None

    def _group(self, sig: Sig, place: _Place) -> Many:
        found = with_callbacks_inside(sig, [immutable_as(sig, handed_down(sig, member)) for member in members(sig)])
        group_id = place.id or sig["options"].get("task_id") or self._new_id()
        if place.after is not None and len(place.after) > 1 and len(found) > 1:
            place = place._replace(after=(self._join(place.after),), many=False, joined=True)
        options = {name: value for name, value in place.given.options.items() if name != "task_id"}
        inner = place._replace(group=group_id, id=None, before=None, given=place.given._replace(options=options))
        handles = [self.place(member, inner) for member in found]
        return Many(group_id, tuple(one for one in handles if one is not None), place.before)

    def _chord(self, sig: Sig, place: _Place) -> Handle | None:
        given = _without_callbacks(place.given)
        links, errbacks = listed(sig["options"].get("link")), listed(sig["options"].get("link_error"))
        first = self._group(
            with_callbacks(handed_down(sig, header(sig)), (), errbacks if self._in_headers else ()),
            place._replace(id=None, group=None, begins=place.after is not None, given=given),
        )
        body = sig["kwargs"].get("body")
        if body is None:
            return first
        options = {**sig["options"], **place.given.options}
        body = with_callbacks(body, links, errbacks)
        body = with_callbacks(
            body, listed(place.given.options.get("link")), listed(place.given.options.get("link_error"))
        )
        body = without(handed_down({"options": options}, body), FIRST_ONLY & options.keys() - body["options"].keys())
        after, _ = self._ends(first)
        known = place.id or sig["options"].get("task_id")
        return self.place(body, _Place(after=after, many=True, before=first, group=place.group, id=known))

    def _task(self, sig: Sig, place: _Place) -> One:
        options, args, kwargs = sig["options"], tuple(sig["args"]), sig["kwargs"]
        immutable, given = bool(sig.get("immutable")), place.given
        if place.after is None:
            if given.options:
                options = called_with(options, given.options)
            if not immutable and (given.args or given.kwargs):
                args, kwargs = (*given.args, *args), {**kwargs, **given.kwargs}
        elif not place.after and not immutable:
            args = ([], *args)  # the body of a chord without a header
        known = place.id or options.get("task_id")
        kept = {name: value for name, value in options.items() if name not in OWN} if options else options
        takes = _takes(place, immutable=immutable) if place.after else None
        row = Row(
            known or self._new_id(), sig["task"], args, kwargs, kept, takes, begins=place.begins, group=place.group,
            given_id=known is not None,
        )  # fmt: skip
        self._put(row, place.after or ())
        handle = One(row.id, place.before)
        if not options:
            return handle
        for link in callbacks(options, "link"):
            self.place(link, _Place(after=(row.id,), before=handle))
        for errback in callbacks(options, "link_error"):
            self.place(errback, _Place(after=(row.id,), failing=True, before=handle))
        return handle

    def _put(self, row: Row, after: tuple[str, ...]) -> None:
        for position, parent in enumerate(after):
            self.edges.append(Edge(row.id, position, parent))
            self._by_id[parent].feeds = True
        row.parent = after[-1] if after else None
        self.rows.append(row)
        self._by_id[row.id] = row

    def _join(self, after: tuple[str, ...]) -> str:
        """Put a job that gathers the results of several into a list; return its id."""
        join = task(JOIN)
        row = Row(self._new_id(), join["task"], (), {}, {}, Takes.LIST)
        self._put(row, after)
        return row.id

    def _ends(self, handle: Handle | None) -> tuple[tuple[str, ...] | None, bool]:
        """Return the jobs that what follows ``handle`` waits for, and whether it is given a list of their results."""
        if handle is None:
            return None, False
        if isinstance(handle, One):
            return (handle.id,), False
        return tuple(self._end(member) for member in handle.members), True

    def _end(self, handle: Handle) -> str:
        """Return the one job whose result is that of ``handle``."""
        after, many = self._ends(handle)
        return self._join(after or ()) if many else (after or ("",))[0]


def _takes(place: _Place, *, immutable: bool) -> Takes:
    if place.failing:
        return Takes.FAILED if immutable else Takes.FAILURE
    if place.many:
        return Takes.ALL if immutable else Takes.LIST
    if place.joined:
        return Takes.ALL if immutable else Takes.JOINED
    return Takes.AFTER if immutable else Takes.VALUE


def _without_callbacks(given: Given) -> Given:
    options = {n: v for n, v in given.options.items() if n not in ("link", "link_error", "task_id")}
    return given._replace(options=options)

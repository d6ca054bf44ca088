"""`Signature`: a call that has not been made yet. A dict, so that it can travel as JSON inside another job's arguments.

Next room: ``shapes``, the signatures made of others; then ``canvas.plan``, which lays them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

from sqlqueue.canvas.plan import Given, plan
from sqlqueue.canvas.shapes import as_signature, check_signature, copied, listed
from sqlqueue.client.asker import Asker
from sqlqueue.client.started import handle_on
from sqlqueue.domain.ids import new_job_id
from sqlqueue.errors import TaskError
from sqlqueue.tasks.nobody import NOBODY
from sqlqueue.tasks.stamping import StampingVisitor, put_stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.building import Here
    from sqlqueue.client.request import CallOptions
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.client.started import Started
    from sqlqueue.config import Config


class Starter(Asker, Protocol):
    """What a signature needs of the client."""

    config: Config

    def start(self, plan: Plan, options: CallOptions) -> Started:
        """Insert all jobs of a workflow."""

    async def astart(self, plan: Plan, options: CallOptions) -> Started:
        """The same, awaited."""

    @property
    def here(self) -> Here:
        """What runs tasks here and now."""

    def attach(self, plan: Plan, member: str, group: str | None) -> AsyncResult[Any] | None:
        """Add a workflow to a chord's header."""

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Return a workflow as text."""


def _key(name: str, doc: str) -> Any:
    """Return a property that is what the dict has under a key."""

    def write(self: Signature, value: Any) -> None:
        self[name] = value

    return property(lambda self: self[name], write, doc=doc)


class Signature(dict[str, Any]):
    """A call of a task with some or all of its arguments and its options.

    Parameters
    ----------
    task: the task's name.
    args, kwargs: its arguments; those that it is called with come before them.
    options: calling options, such as ``queue``.
    immutable: whether it ignores what it is called with, and its parent's result.
    app: what sends it, a `SQLQueue`; a signature read from JSON has none until it is put beside one that has.
    """

    KINDS: ClassVar[dict[str, type[Signature]]] = {}
    kind: ClassVar[str | None] = None
    of_no_app: ClassVar[Callable[[], Starter] | None] = None
    """What sends those that belong to no app; None: nothing does."""

    def __init__(
        self, task: str, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None, *, immutable: bool = False,
        starter: Callable[[], Starter] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            task=task, args=tuple(args or ()), kwargs=dict(kwargs or {}), options={**(options or {}), **more},
            subtask_type=self.kind, immutable=immutable,
        )  # fmt: skip
        self.starter = starter

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], starter: Callable[[], Starter] | None = None) -> Signature:
        """Return the signature that a dict describes, whatever its kind; those inside it too."""
        if isinstance(found, Signature) and (found.starter is not None or starter is None):
            return found
        made = cls.KINDS.get(found.get("subtask_type") or "", Signature)
        sig = made.__new__(made)
        check_signature(found, "signature()")
        dict.__init__(sig, {"subtask_type": None, "immutable": False, **found})
        sig["args"], sig["kwargs"] = tuple(found.get("args") or ()), dict(found.get("kwargs") or {})
        sig["options"] = dict(found.get("options") or {})
        sig.starter = starter
        sig.adopt_inside()
        return sig

    def adopt_inside(self) -> None:
        """Make signatures of the dicts inside."""

    @property
    def id(self) -> str | None:
        """The id that its job will have, when it has been given one."""
        return cast("str | None", self["options"].get("task_id"))

    @property
    def name(self) -> str:
        """The task's name."""
        return cast("str", self["task"])

    task = name
    args = _key("args", "Its positional arguments.")
    kwargs = _key("kwargs", "Its keyword arguments.")
    options = _key("options", "Its calling options.")
    immutable = _key("immutable", "Whether it ignores what it is called with.")

    def clone(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Self:  # fmt: skip
        """Return a copy with more: arguments before its own, keywords and options over its own."""
        copy = cast("Self", Signature.from_dict(copied(self), self.starter))
        if args and not self["immutable"]:
            copy["args"] = (*args, *copy["args"])
        if not self["immutable"]:
            copy["kwargs"].update(kwargs or {})
        copy["options"].update(options)
        return copy

    partial = clone

    def set(self, *, immutable: bool | None = None, **options: Any) -> Self:
        """Set options, and whether it is immutable; return the signature itself."""
        if immutable is not None:
            self["immutable"] = immutable
        self["options"].update(options)
        return self

    def link(self, callback: Mapping[str, Any]) -> Signature:
        """Let ``callback`` run with the result when this succeeds; return the callback."""
        return _linked(self, "link", callback)

    def link_error(self, errback: Mapping[str, Any]) -> Signature:
        """Let ``errback`` run with the job's id when this fails; return the errback."""
        return _linked(self, "link_error", errback)

    def on_error(self, errback: Mapping[str, Any]) -> Self:
        """The same as `link_error`, returning the signature itself."""
        self.link_error(errback)
        return self

    def freeze(self, task_id: str | None = None) -> Started:
        """Give every job its id now, so that it is known before anything is sent; return the handle.

        Parameters
        ----------
        task_id: the id that it is to have itself.
        """
        if task_id is not None:
            self["options"]["task_id"] = task_id
        self.freeze_inside()
        return handle_on(self.plan().handle, self._sender())

    def freeze_inside(self) -> None:
        """Give an id to itself, or to the signatures inside."""
        self["options"].setdefault("task_id", new_job_id())

    def stamp(self, visitor: StampingVisitor | None = None, *, append_stamps: bool = False, **headers: Any) -> Self:
        """Put stamps on every job of it, callbacks included; return the signature itself.

        Parameters
        ----------
        visitor: says more for each part, see `StampingVisitor`.
        append_stamps: add to the values of stamps that are there, instead of replacing them.
        headers: the stamps, names and values.
        """
        put_stamps(self, visitor, headers, append=append_stamps)
        return self

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Send it, with these arguments before its own."""
        return self.apply_async(args, kwargs)

    async def adelay(self, *args: Any, **kwargs: Any) -> Any:
        """The same, awaited."""
        return await self.aapply_async(args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the task here and now, with these arguments before its own, and return its value; no job is made."""
        whole = self.clone(args, kwargs)
        return self._sender().here.task_of(self.name)(*whole["args"], **whole["kwargs"])

    def apply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:  # fmt: skip
        """Send it, and all that it is made of, in one transaction; return a handle on what it ends in.

        Parameters
        ----------
        args, kwargs: for the first jobs: arguments before their own, keywords over their own.
        options: of a task those of the call; of a group for every member, of a chain for its first step, of a chord for
            its header and its body.
        """
        planned = self.plan(args or (), kwargs or {}, options)
        return self._sender(planned).start(planned, _where(self, options))

    def apply(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:  # fmt: skip
        """Run it here and now, one job after the other, and return a handle on what it ends in; nothing is sent."""
        planned = self.plan(args or (), kwargs or {}, options)
        return self._sender(planned).here.rehearse(planned, options)

    async def aapply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:  # fmt: skip
        """The same, awaited."""
        planned = self.plan(args or (), kwargs or {}, options)
        return await self._sender(planned).astart(planned, _where(self, options))

    def plan(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Return the rows and edges that it would be, without sending anything."""
        given = Given(tuple(args), kwargs or {}, options or {})
        return plan(self, new_job_id, given, errbacks_in_headers=self._errbacks_in_headers())

    def _errbacks_in_headers(self) -> bool:
        starter = self.starter or Signature.of_no_app
        return starter is not None and starter().config.task_allow_error_cb_on_chord_header

    def _sender(self, planned: Plan | None = None) -> Starter:
        starter = self.starter or Signature.of_no_app
        if starter is not None:
            return starter()
        if planned is not None and not planned.rows:
            return cast("Starter", NOBODY)
        how = f"{self.kind}(..., app=app)" if self.kind else "signature(..., app=app), or with the task's own .s()"
        raise TaskError(f"{self!r} belongs to no app: make it with {how}")

    def __or__(self, other: Any) -> Any:
        other = as_signature(other)
        if not isinstance(other, Signature):
            return NotImplemented
        made: Any = Signature.KINDS["chain"]
        return made.joined(self, other)

    __ior__ = __or__

    def __invert__(self) -> Any:
        return self.apply_async().get()

    def __repr__(self) -> str:
        words = [*map(repr, self["args"]), *(f"{name}={value!r}" for name, value in self["kwargs"].items())]
        return f"{self['task']}({', '.join(words)})"

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __deepcopy__(self, memo: dict[int, Any]) -> Signature:
        return self.clone()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Signature.from_dict, (dict(self),))


def _where(sig: Signature, options: CallOptions) -> CallOptions:
    """Return the options of the whole: whose transaction it joins."""
    return cast("CallOptions", {**sig["options"], **options})


def _linked(sig: Signature, option: str, callback: Mapping[str, Any]) -> Signature:
    """Add a callback to a signature's option, unless it is there; return it."""
    check_signature(callback, option)
    added = Signature.from_dict(callback, sig.starter)
    found = listed(sig["options"].get(option))
    if added not in found:
        found.append(added)
    sig["options"][option] = found
    return added

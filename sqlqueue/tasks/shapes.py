"""Signatures made of signatures: `chain`, `group`, `chord`, as in Celery.

They, and those of ``over``, only say what is wanted; next room: ``canvas.plan``, which makes rows and edges of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from sqlqueue.canvas.shapes import as_signature, check_signature, listed
from sqlqueue.errors import TaskError
from sqlqueue.tasks.over import chunks, xmap, xstarmap
from sqlqueue.tasks.signature import Signature, Starter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class _Made(Signature):
    """A signature whose parts are other signatures."""

    def __init__(self, parts: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        options = dict(options)
        if "tasks" in options:
            raise TaskError(f"{self.kind}(tasks=...): give them by place, {self.kind}(*tasks), or in one list")
        app = options.pop("app", None)
        starter = None if app is None else lambda: cast("Starter", app.sender)
        super().__init__(f"sqlqueue.{self.kind}", (), parts, options, starter=starter)
        self.adopt_inside()

    def adopt_inside(self) -> None:
        inside = [one for part in self._PARTS for one in listed(self["kwargs"].get(part))]
        if self.starter is None:
            self.starter = next((s for s in map(_starter_of, inside) if s is not None), None)
        for part in self._PARTS:
            found = self["kwargs"].get(part)
            if isinstance(found, dict):
                self["kwargs"][part] = Signature.from_dict(found, self.starter)
            elif found is not None:
                self["kwargs"][part] = [Signature.from_dict(one, self.starter) for one in found]

    _PARTS: tuple[str, ...] = ("tasks",)

    @property
    def tasks(self) -> list[Signature]:
        """What it is made of, in order."""
        return cast("list[Signature]", self["kwargs"]["tasks"])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Send it, with these arguments for its first jobs."""
        return self.apply_async(args, kwargs)

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, key: Any) -> Any:
        return self.tasks[key] if isinstance(key, int) else super().__getitem__(key)

    def __bool__(self) -> bool:
        return bool(self.tasks)

    def freeze_inside(self) -> None:
        """Give an id to every job inside."""
        for one in self.tasks:
            one.freeze_inside()

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.tasks))})"


class chain(_Made):  # noqa: N801 - Celery's name
    """Calls one after the other, each with the result of the one before it.

    Parameters
    ----------
    tasks: signatures, or one iterable of them. A group among them waits as a whole.
    """

    kind = "chain"

    def __init__(self, *tasks: Any, **options: Any) -> None:
        steps: list[Signature] = []
        for one in list(tasks) if len(tasks) == 1 and isinstance(tasks[0], group) else _given(tasks):
            plain = one.get("subtask_type") == "chain" and not any(map(one.get, ("options", "args", "immutable")))
            steps += one["kwargs"]["tasks"] if plain else [one]
        super().__init__({"tasks": steps}, options)

    @classmethod
    def joined(cls, one: Signature, other: Signature) -> Signature:
        """Return ``one | other``: what follows on a group is a chord's body, else it is a chain's next step."""
        if isinstance(one, group):
            return one if isinstance(other, group) and not other else chord(one, other)
        if isinstance(one, chain) and not one:
            return other
        return cls(one.clone(), other.clone())

    def freeze_inside(self) -> None:
        """Give an id to every job inside."""
        known = self["options"].get("task_id")
        if known is not None and self.tasks:
            self.tasks[-1]["options"].setdefault("task_id", known)
        super().freeze_inside()

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.tasks)) or "chain()"


class group(_Made):  # noqa: N801
    """Calls that run at a time.

    Parameters
    ----------
    tasks: signatures, or one iterable of them.
    """

    kind = "group"

    def __init__(self, *tasks: Any, **options: Any) -> None:
        super().__init__({"tasks": _given(tasks)}, options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Send it, with these arguments for every member."""
        return self.apply_async(args, **options)

    def link(self, callback: Mapping[str, Any]) -> Signature:
        """Let ``callback`` run when the first member succeeds, without its result; use a chord to wait for all."""
        check_signature(callback, "link")
        return self.tasks[0].link(Signature.from_dict(callback, self.starter).clone().set(immutable=True))

    def link_error(self, errback: Mapping[str, Any]) -> Signature:
        """Let ``errback`` run for each member that fails; return it."""
        check_signature(errback, "link_error")
        made = Signature.from_dict(errback, self.starter)
        for one in self.tasks:
            one.link_error(made.clone())
        return made

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send all members in one transaction; return a `GroupResult`."""
        return super().apply_async(args, kwargs, **_no_links(options))

    async def aapply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """The same, awaited."""
        return await super().aapply_async(args, kwargs, **_no_links(options))

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> group:
        """Delay each member by ``step`` seconds more than the one before it, from ``start`` to ``stop``."""
        for number, one in enumerate(self.tasks):
            wanted = start + number * step
            one.set(countdown=wanted if stop is None else min(wanted, stop))
        return self

    def freeze_inside(self) -> None:
        """Give an id to every job inside."""
        Signature.freeze_inside(self)
        super().freeze_inside()


class chord(_Made):  # noqa: N801
    """A group, and a body that is called with the list of its results.

    Parameters
    ----------
    header: a group, or an iterable of signatures.
    body: may also be given when it is called: ``chord(header)(body)``.
    """

    kind = "chord"
    _PARTS = ("header", "body")

    def __init__(self, header: Any, body: Mapping[str, Any] | None = None, **options: Any) -> None:
        made = header if isinstance(header, group) else group([one.clone() for one in _given((header,))])
        body = as_signature(body)
        if body is not None:
            check_signature(body, "a chord's body")
        super().__init__({"header": made, "body": body}, options)

    @property
    def tasks(self) -> list[Signature]:
        """The members of the header."""
        header = self["kwargs"]["header"]
        return cast("list[Signature]", header.tasks if isinstance(header, group) else listed(header))

    @property
    def body(self) -> Signature | None:
        """What is called with their results."""
        return cast("Signature | None", self["kwargs"].get("body"))

    def __call__(self, body: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Send it, with this body if one is given."""
        sig = self if body is None else chord(self["kwargs"]["header"], body, **self["options"])
        return sig.apply_async((), {}, **options)

    def __bool__(self) -> bool:
        return True

    def link(self, callback: Mapping[str, Any]) -> Signature:
        """Let ``callback`` run with the body's result."""
        return (self.body or self["kwargs"]["header"]).link(callback)

    def link_error(self, errback: Mapping[str, Any]) -> Signature:
        """Let ``errback`` run when the body fails, as it does when one of the header has.

        With ``task_allow_error_cb_on_chord_header`` it runs for each of the header that fails, too.
        """
        return super().link_error(errback) if self.body else self["kwargs"]["header"].link_error(errback)

    def freeze_inside(self) -> None:
        """Give an id to every job inside."""
        super().freeze_inside()
        if self.body is not None:
            self.body.freeze_inside()

    def __repr__(self) -> str:
        return f"chord({self['kwargs']['header']!r}, {self.body!r})"


def signature(
    task: str | Mapping[str, Any], args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None, *, app: Any = None, immutable: bool = False, **more: Any,
) -> Signature:  # fmt: skip
    """Return a signature: of a task by its name, or the one that a dict, read from JSON, describes.

    Parameters
    ----------
    app: the `SQLQueue` that sends it.
    """
    starter: Callable[[], Starter] | None = None if app is None else lambda: cast("Starter", app.sender)
    if isinstance(task, str):
        return Signature(task, args, kwargs, options, immutable=immutable, starter=starter, **more)
    return Signature.from_dict(task, starter).clone(args or (), kwargs, **(options or {}), **more)


Signature.KINDS.update({made.kind: made for made in (chain, group, chord, chunks, xmap, xstarmap) if made.kind})


def _given(tasks: Sequence[Any]) -> list[Any]:
    """Return the signatures of a call: one after the other, or in one iterable."""
    if len(tasks) == 1 and not (isinstance(tasks[0], dict) and not isinstance(tasks[0], group)):
        found = tasks[0].tasks if isinstance(tasks[0], group) else tasks[0]
        if not isinstance(found, Iterable):
            raise TaskError(f"{found!r} is no signature: use task.s(...)")
        tasks = list(found)
    found = list(map(as_signature, tasks))
    for one in found:
        if not isinstance(one, dict) or "task" not in one:
            raise TaskError(f"{one!r} is no signature: use task.s(...)")
    return found


def _starter_of(sig: Mapping[str, Any]) -> Callable[[], Starter] | None:
    return getattr(sig, "starter", None)


def _no_links(options: dict[str, Any]) -> dict[str, Any]:
    if options.get("link") is not None or options.get("link_error") is not None:
        raise TypeError("a group has no link: link its members, or make a chord of it")
    return options

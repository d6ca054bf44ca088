"""`Task`: a function that can be called here and now, or sent.

Next room: ``client.request``, which makes a row of the call.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeVar, cast

from sqlqueue.client.request import CallOptions, build
from sqlqueue.client.transaction import begin
from sqlqueue.errors import TaskError
from sqlqueue.tasks.again import another_try, change_of, seconds_until
from sqlqueue.tasks.attributes import Optioned
from sqlqueue.tasks.context import Context, ask_again, current_job
from sqlqueue.tasks.declared import Declared, may_declare
from sqlqueue.tasks.hooks import Hooks, Shown, is_plain
from sqlqueue.tasks.options import changed_options
from sqlqueue.tasks.over import chunks, xmap, xstarmap
from sqlqueue.tasks.parameters import Parameters
from sqlqueue.tasks.replacement import Replacement, plan_as_one, plan_in_place, stamped_as
from sqlqueue.tasks.signature import Signature
from sqlqueue.tasks.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Unpack

    from sqlalchemy.orm import Session

    from sqlqueue.client.building import Here
    from sqlqueue.client.many import Call
    from sqlqueue.client.request import Defaults
    from sqlqueue.client.result import AsyncResult
    from sqlqueue.client.transaction import TaskTransaction
    from sqlqueue.errors import Retry
    from sqlqueue.tasks.again import RetryOptions
    from sqlqueue.tasks.eager_result import EagerResult
    from sqlqueue.tasks.options import TaskSettings
    from sqlqueue.tasks.sender import Sender

P = ParamSpec("P")
V = TypeVar("V")
Return = TypeVar("Return")


class Task(Hooks, Shown, Telling, Optioned, Generic[P, V, Return]):
    """A registered function, or the ``run`` of a subclass.

    ``P`` are its parameters, ``V`` what waiting for a job of it gives, ``Return`` what calling it here gives: for an
    ``async def`` a coroutine of ``V``, else ``V`` itself.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        settings: TaskSettings,
        sender: Callable[[], Sender],
        *,
        bind: bool = False,
    ) -> None:
        self.function = function
        self.name = name
        self.settings = settings
        self.bind = bind
        self.is_async = inspect.iscoroutinefunction(function)
        self.origin = f"{function.__module__}.{function.__qualname__}"
        self.stand_for(function)
        self._sender = sender
        self._signature = inspect.signature(function)
        self.hooked = not is_plain(type(self), Task)
        self.plain = not self.hooked and not may_declare(self._signature)
        self._parameters = Parameters(name, self._signature, bound=bind, check=settings.typing)
        self._defaults = self._say()

    def __repr__(self) -> str:
        return f"<Task: {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Return:
        """Call the function here and now; no job is made."""
        return cast("Return", self.function(*([self] if self.bind else []), *args, **kwargs))

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[V]:
        """Send a job with these arguments, and every option at its default."""
        self._parameters.check(args, kwargs)
        return self._sender().send(self.name, args, kwargs, {}, self._defaults)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[V]:
        """The same, awaited."""
        self._parameters.check(args, kwargs)
        return await self._sender().asend(self.name, args, kwargs, {}, self._defaults)

    def apply_async(
        self, *positional: Any, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[V]:  # fmt: skip
        """Send a job with options.

        ``apply_async((4, 4), {"z": 1}, queue="q")`` is Celery's form; when the first positional is neither None, a
        list nor a tuple, all of them are the task's own: ``apply_async(4, 4, queue="q")``.
        """
        found, named = self._parameters.read(positional, args, kwargs)
        if options.get("link") or options.get("link_error"):
            return self.signature(found, named, options).apply_async()  # type: ignore[no-any-return]
        return self._sender().send(self.name, found, named, options, self._defaults)

    async def aapply_async(
        self, *positional: Any, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[V]:  # fmt: skip
        """The same, awaited."""
        found, named = self._parameters.read(positional, args, kwargs)
        if options.get("link") or options.get("link_error"):
            return await self.signature(found, named, options).aapply_async()  # type: ignore[no-any-return]
        return await self._sender().asend(self.name, found, named, options, self._defaults)

    def send_many(self, calls: Iterable[Call], **options: Unpack[CallOptions]) -> list[AsyncResult[V]]:
        """Send many jobs in one transaction: ``add.send_many([(1, 2), (3, 4), {"x": 5, "y": 6}], queue="q")``.

        Parameters
        ----------
        calls: of each job its positional arguments as a tuple or list, or its named ones as a dict.
        options: for all of them; ``unique_key`` is a text with the parameters in it, or a function of the arguments.
        """
        return self._sender().send_many(self.name, *self._parameters.many(calls, options), self._defaults)

    async def asend_many(self, calls: Iterable[Call], **options: Unpack[CallOptions]) -> list[AsyncResult[V]]:
        """The same, awaited."""
        return await self._sender().asend_many(self.name, *self._parameters.many(calls, options), self._defaults)

    def annotate(self, changes: Mapping[str, Any]) -> None:
        """Take other options, and other attributes, than those that it was declared with."""
        self.settings, others = changed_options(self.settings, changes)
        for name, value in others.items():
            setattr(self, name, value)
        self._defaults = self._say()

    def _say(self) -> Defaults:
        """Return what its settings, and its class, say about its calls."""
        said = replace(self.settings.defaults, unique_key=self._parameters.key(self.settings.unique_key))
        named = "shadow_name" in vars(self) or type(self).shadow_name is not Shown.shadow_name
        return replace(said, shadow_name=self.shadow_name) if named else said

    @property
    def defaults(self) -> Defaults:
        """What it says about calls that do not say."""
        return self._defaults

    def s(self, *args: Any, **kwargs: Any) -> Signature:
        """Return a signature: a call with some or all of its arguments, to be made later."""
        return Signature(self.name, args, kwargs, starter=self._sender)

    def si(self, *args: Any, **kwargs: Any) -> Signature:
        """Return an immutable signature: it ignores its parent's result."""
        return Signature(self.name, args, kwargs, immutable=True, starter=self._sender)

    def signature(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None, *, immutable: bool = False, **more: Any,
    ) -> Signature:  # fmt: skip
        """Return a signature with options."""
        return Signature(self.name, args, kwargs, options, immutable=immutable, starter=self._sender, **more)

    subtask = signature

    def chunks(self, it: Iterable[Sequence[Any]], n: int) -> chunks:
        """Return many calls in few jobs: each job makes ``n`` of them."""
        return chunks(self.s(), it, n)

    def map(self, it: Iterable[Any]) -> xmap:
        """Return one job that calls this with each item."""
        return xmap(self.s(), it)

    def starmap(self, it: Iterable[Sequence[Any]]) -> xstarmap:
        """Return one job that calls this with each item's own items."""
        return xstarmap(self.s(), it)

    @property
    def request(self) -> Context:
        """The job that runs now."""
        return current_job.get()

    @property
    def session(self) -> Session:
        """A transactional task's SQLAlchemy session: what is done in it is committed with the job's success."""
        return self._transaction().session

    @property
    def connection(self) -> Any:
        """The same transaction as the driver's own connection, psycopg's or sqlite3's."""
        return self._transaction().connection

    def _transaction(self) -> TaskTransaction:
        found = self.request.transaction
        if found is None:
            raise TaskError(f"no transaction is open: {self.name} needs @app.task(transactional=True), and a worker")
        return found

    def begin(self) -> TaskTransaction:
        """Begin the transaction of one run."""
        return begin(self._sender())

    def retry(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        exc: BaseException | None = None,
        *,
        countdown: float | None = None,
        eta: datetime | None = None,
        max_retries: int | None = None,
        throw: bool = True,
        **options: Unpack[RetryOptions],
    ) -> Retry:
        """Give this try up and run the job again later, by raising `Retry`.

        Parameters
        ----------
        args, kwargs: the arguments of the next try, if they are to be others.
        exc: the exception that made it necessary; raised itself when no retry is left.
        countdown: seconds to wait, default ``default_retry_delay``.
        eta: the moment to run again, with zone.
        max_retries: overrides the task's.
        throw: False returns the `Retry`: the task goes on, and is tried again when it has ended, however it ends.
        options: what else the job is to have from then on: its queue, its priority and the like.

        Raises
        ------
        MaxRetriesExceeded: no retry is left and no ``exc`` was given.
        """
        change = change_of(self.request, args, kwargs, options, self._sender().config)
        delay = seconds_until(countdown, eta, self._sender().config)
        again = another_try(self.request, self.settings, exc, delay, max_retries, change)
        ask_again(again)
        if throw:
            raise again from exc
        return again

    def apply(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, *, throw: bool = False,
        **options: Unpack[CallOptions],
    ) -> EagerResult[V]:  # fmt: skip
        """Run a job here and now, as a worker would, and return its result; nothing is sent.

        Parameters
        ----------
        throw: raise what the task raises.
        """
        self._parameters.check(args or (), kwargs or {})
        new = build(self.name, args or (), kwargs or {}, options, self._defaults, self._sender().config)
        result: EagerResult[V] = self._sender().here.run(new, self)
        if throw:
            result.get()
        return result

    def replace(self, sig: Signature) -> NoReturn:
        """Let ``sig`` be done in this job's place: the job keeps its id, and ends with the result of ``sig``.

        What waits for this job waits for that. Ends the task, by raising.
        """
        job_id = self.request.id
        if job_id is None:
            raise TaskError("self.replace() was called outside a job")
        planned = plan_in_place(stamped_as(sig, self.request), job_id)
        if not planned.rows:
            raise TaskError("self.replace() was given an empty signature")
        raise Replacement(self._taker().replacement(planned, job_id))

    def add_to_chord(self, sig: Signature) -> AsyncResult[Any]:
        """Send ``sig`` as one more member of the chord that the running job is in: the body waits for it too."""
        request = self.request
        planned = plan_as_one(sig)
        found = self._taker().attach(planned, request.id, request.group) if request.id is not None else None
        if found is None:
            raise ValueError("the current job is not a member of a chord's header")
        return found

    def _taker(self) -> Sender | Here:
        """Return what takes the jobs that belong to the running one: the client, or what runs tasks here and now."""
        return self._sender().here if self.request.is_eager else self._sender()

    @cached_property
    def declared(self) -> Declared:
        """What its annotations make of arguments; looked at when it first runs, since they may name later classes."""
        return Declared(self.function, self._signature, self.settings.validation)

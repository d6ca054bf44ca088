"""What a task's function can be called with: told apart, and checked before anything is sent."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from sqlqueue.client.many import parts
from sqlqueue.client.named import dict_of, list_of
from sqlqueue.errors import ConfigError, EnqueueError, SignatureMismatch
from sqlqueue.tasks.keys import key_maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlqueue.client.many import Call
    from sqlqueue.client.request import CallOptions

PLAIN = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Parameters:
    """The parameters of one task.

    Parameters
    ----------
    bound: whether the first one is the task itself, which callers do not give.
    check: False lets every call pass.
    """

    def __init__(self, name: str, signature: Signature, *, bound: bool, check: bool) -> None:
        self._name = name
        self._own = signature.replace(parameters=list(signature.parameters.values())[1 if bound else 0 :])
        self._checks = check
        found = self._own.parameters.values()
        plain = [one for one in found if one.kind in PLAIN]
        needed = sum(one.default is Parameter.empty for one in plain)
        # So many positionals fit by counting alone, which is all that most calls need; none where more is asked.
        self._counts = range(needed, len(plain) + 1) if len(plain) == len(found) else range(0)

    def read(
        self, positional: tuple[Any, ...], args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Tell Celery's form of ``apply_async``'s positionals from the task's own, and check them."""
        if positional and (positional[0] is None or isinstance(positional[0], list | tuple)):
            if len(positional) > 2 or args is not None or (len(positional) == 2 and kwargs is not None):  # noqa: PLR2004
                raise EnqueueError("apply_async takes args and kwargs once: apply_async((4, 4), {'z': 1}, queue='q')")
            args = positional[0]
            kwargs = positional[1] if len(positional) == 2 else kwargs  # noqa: PLR2004
        elif positional:
            args = positional
        found, named = () if args is None else args, {} if kwargs is None else kwargs
        if not isinstance(found, list | tuple):
            found = list_of("args", found)
        if not isinstance(named, dict):
            named = dict_of("kwargs", named)
        self.check(found, named)
        return found, named

    def many(self, calls: Iterable[Call], options: CallOptions) -> tuple[Iterator[Call], CallOptions]:
        """Return calls, each of which is looked at as it is taken, and their options with what makes their keys."""
        key = options.get("unique_key")
        return map(self._checked, calls), options if key is None else {**options, "unique_key": self.key(key)}

    def key(self, said: str | Callable[..., str | None] | None) -> Callable[..., str | None] | None:
        """Return what makes the key of a call of its arguments, None when nothing does; raises ConfigError."""
        if said is None or callable(said):
            return said
        if not isinstance(said, str):
            raise ConfigError(f"unique_key is {said!r}: use a text such as 'sync:{{user_id}}', or a function")
        return key_maker(said, self._own)

    def _checked(self, call: Call) -> Call:
        self.check(*parts(call))
        return call

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise SignatureMismatch when the function could not be called like this."""
        if not self._checks or (not kwargs and len(args) in self._counts):
            return
        try:
            self._own.bind(*args, **kwargs)
        except TypeError as error:
            raise SignatureMismatch(f"{self._name}{self._own}: {error}") from None

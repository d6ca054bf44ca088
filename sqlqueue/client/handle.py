"""What every handle on one job can do, whether the job runs elsewhere (``result``) or was run here and now (eager)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Unpack

    from sqlqueue.client.answers import WaitOptions

V = TypeVar("V")


class JobHandle(ABC, Generic[V]):
    """A handle on one job, with Celery's names; equal to another of the same id."""

    id: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.id}>"

    def __eq__(self, other: object) -> bool:
        return other == self.id if isinstance(other, str) else isinstance(other, JobHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    @abstractmethod
    def state(self) -> str:
        """Celery's word: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""

    @property
    @abstractmethod
    def result(self) -> Any:
        """The value, the exception of a failed job or attempt; of one that runs what it tells of itself, or None."""

    @property
    @abstractmethod
    def parent(self) -> Any:
        """What came before it."""

    @property
    @abstractmethod
    def children(self) -> Sequence[JobHandle[Any]]:
        """What it has sent, and what follows on it."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the job is over."""

    @abstractmethod
    def get(self, timeout: float | None = None, *, propagate: bool = True, **options: Unpack[WaitOptions]) -> V:
        """Wait for the job and return its value."""

    @property
    def task_id(self) -> str:
        """The same as ``id``."""
        return self.id

    @property
    def status(self) -> str:
        """The same as ``state``."""
        return self.state

    @property
    def info(self) -> Any:
        """The same as ``result``."""
        return self.result

    def successful(self) -> bool:
        """Whether the job is over and succeeded."""
        return self.state == "SUCCESS"

    def failed(self) -> bool:
        """Whether the job is over and failed."""
        return self.state == "FAILURE"

    def wait(self, timeout: float | None = None, *, propagate: bool = True, **options: Unpack[WaitOptions]) -> V:
        """Do what `get` does, under Celery's other name."""
        return self.get(timeout, propagate=propagate, **options)

    def maybe_throw(self, callback: Callable[[str, Any], object] | None = None, *, propagate: bool = True) -> Any:
        """Raise what the job raised if it is over and failed, else return what is known of its result."""
        if not self.ready():
            return None
        return self.get(0, propagate=propagate, callback=callback, disable_sync_subtasks=False)

    def maybe_reraise(self, *, propagate: bool = True) -> Any:
        """Do what `maybe_throw` does, under Celery's other name."""
        return self.maybe_throw(propagate=propagate)

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the ids as Celery does: its own with its parent's."""
        before = self.known_parent
        return (self.id, before.as_tuple() if before is not None else None), None

    __json__ = as_tuple
    """How it is stored when a task returns it."""

    def as_list(self) -> list[str]:
        """Return its id and those of what came before it."""
        before = self.known_parent
        return [self.id, *(before.as_list() if before is not None else [])]

    @property
    def known_parent(self) -> Any:
        """What came before it, where that is known without asking the database."""
        return self.parent

    def iterdeps(self, *, intermediate: bool = False) -> Iterator[tuple[JobHandle[Any] | None, JobHandle[Any]]]:  # noqa: ARG002
        """Yield each job that descends from this one with the one it came from, this one first, with None.

        Parameters
        ----------
        intermediate: Celery's, without effect: those that came of a job are known before it is over.
        """
        level: list[tuple[JobHandle[Any] | None, JobHandle[Any]]] = [(None, self)]
        while level:
            yield from level
            level = [(one, child) for _, one in level for child in one.children]

    def get_leaf(self) -> Any:
        """Return the value of the last that descends from it, in the order of `iterdeps`."""
        *_, (_, last) = self.iterdeps()
        return last.get()

    def collect(
        self, timeout: float | None = None, *, propagate: bool = True, intermediate: bool = False,  # noqa: ARG002
    ) -> Iterator[tuple[JobHandle[Any], Any]]:  # fmt: skip
        """Wait for this job, then for its children and theirs, and yield each with its value; see `iterdeps`."""
        level: list[JobHandle[Any]] = [self]
        while level:
            for one in level:
                yield one, one.get(timeout, propagate=propagate)
            level = [child for one in level for child in one.children]

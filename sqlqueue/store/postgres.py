"""PostgreSQL's statements: SKIP LOCKED everywhere, so that no cycle ever waits for somebody's row lock.

The rules behind them, each with the failure that forced it, are in ``docs/protocol.md``. In short: a claim is a
HOT update found through the lane index from a remembered position; a settlement is a fenced delete plus an insert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.errors import SchemaError, StoreError, StoreUnavailable
from sqlqueue.store.dialect import Statements
from sqlqueue.store.sql import both
from sqlqueue.store.sql import postgres_broadcast as broadcast
from sqlqueue.store.sql import postgres_clock as clock
from sqlqueue.store.sql import postgres_control as control
from sqlqueue.store.sql import postgres_events as events
from sqlqueue.store.sql import postgres_jobs as jobs
from sqlqueue.store.sql import postgres_limits as limits
from sqlqueue.store.sql import postgres_operator as operator
from sqlqueue.store.sql import postgres_redrive as redrive
from sqlqueue.store.sql import postgres_rest as rest
from sqlqueue.store.sql import postgres_revoke as revoke
from sqlqueue.store.sql import postgres_told as told
from sqlqueue.store.sql import postgres_unique as unique
from sqlqueue.store.sql import postgres_workflow as workflow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlqueue.domain.job import NewJob
    from sqlqueue.domain.settlement import Finish
    from sqlqueue.store.operation import Params

STATEMENTS = Statements.gathered(
    both,
    jobs,
    rest,
    revoke,
    operator,
    workflow,
    unique,
    control,
    limits,
    told,
    events,
    clock,
    broadcast,
    redrive,
)

SEPARATOR, NULL = "\x1f", "~"

UNDEFINED_TABLE = "42P01"
UNDEFINED_SCHEMA = "3F000"


class Postgres:
    """PostgreSQL 13 and newer.

    Parameters
    ----------
    schema: where the tables are; None: wherever the connection's search_path finds them.
    notifies: False to poll.
    pooled: whether a transaction pooler stands between; None: the first connection finds out.
    """

    name = "postgresql"
    watches = False
    lanes_together = True
    many_writers = True

    def __init__(self, schema: str | None = None, *, notifies: bool = True, pooled: bool | None = None) -> None:
        self.schema = schema
        self.notifies = notifies
        self.pooled = pooled
        self.sql = STATEMENTS.within(schema)

    @property
    def listens(self) -> bool:
        """Whether LISTEN hears anything: through a pooler it does not, though NOTIFY reaches others."""
        return self.notifies and not self.pooled

    def moment(self, when: datetime | None) -> object:
        """Return ``when`` as it is: the driver knows datetimes."""
        return when

    def call_params(self, jobs: Sequence[NewJob]) -> Params | None:
        """Return one text for each column; None when an id holds what separates them."""
        ids = SEPARATOR.join([job.id for job in jobs])
        if ids.count(SEPARATOR) != len(jobs) - 1:
            return None
        return {
            "ids": ids,
            "args": SEPARATOR.join([job.args for job in jobs]),
            "kwargs": SEPARATOR.join([job.kwargs for job in jobs]),
        }

    def succeed_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return one text for each column."""
        return {
            "ids": SEPARATOR.join([one.id for one in finished]),
            "tokens": "{" + ",".join(map(str, tokens)) + "}",
            "results": SEPARATOR.join([NULL if one.result is None else one.result for one in finished]),
            "runtimes": _numbers([one.runtime for one in finished]),
            "worker": worker,
        }

    def finish_params(self, finished: Sequence[Finish], tokens: Sequence[int], worker: str) -> Params:
        """Return one array for each column."""
        ids, states, results, runtimes, failures, crashes = [], [], [], [], [], []
        for id_, state, result, runtime, failure, crashed in finished:
            ids.append(id_)
            states.append(str(state))
            results.append(result)
            runtimes.append(runtime)
            failures.append(failure or _NO_FAILURE)
            crashes.append(crashed)
        errors, exceptions, tracebacks = zip(*failures, strict=True)
        return {
            "ids": ids, "tokens": list(tokens), "states": states, "results": results, "runtimes": runtimes,
            "crashes": crashes, "errors": list(errors), "exceptions": list(exceptions),
            "tracebacks": list(tracebacks), "worker": worker,
        }  # fmt: skip

    def translate(self, error: BaseException) -> StoreError | None:
        """Return what a driver's exception means to the caller."""
        original = getattr(error, "orig", None) or error
        state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
        words = _first_line(original)
        if state in (UNDEFINED_TABLE, UNDEFINED_SCHEMA):
            return SchemaError(f"{words}. Make the tables with: sqlqueue migrate") if "sqlqueue_" in words else None
        if _is_operational(original):
            return StoreUnavailable(words)
        return None


_NO_FAILURE = (None, None, None)


def _numbers(values: list[float | None]) -> str:
    """Return an array as text; Python writes the whole list much quicker than we its numbers."""
    return "{" + repr(values)[1:-1].replace("None", "NULL") + "}"


def _is_operational(error: BaseException) -> bool:
    """Tell by its class's name, so that no driver need be imported here."""
    return any(base.__name__ in {"OperationalError", "InterfaceError"} for base in type(error).__mro__)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

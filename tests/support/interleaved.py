"""Statements of several transactions, interleaved by hand, on PostgreSQL: two workers at two members of a header."""

from contextlib import contextmanager
from typing import Any

import psycopg

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.domain.workflow import Edge
from sqlqueue.store.drivers import over_pyformat
from sqlqueue.store.ops.cycle import Joins, cycle
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.postgres import Postgres
from tests.support.jobs import ME, OTHER, new_job, take
from tests.support.runners import ROW

DIALECT = Postgres()


class Stepwise:
    """One operation in a transaction of its own, of which a test executes as many statements as it likes."""

    done: Any = None

    def __init__(self, connection, op, job=None):
        self.job = job
        self._connection = connection
        self._execute = over_pyformat(connection, ROW)
        self._op = op
        self._batch = next(op)

    def until(self, statement=None):
        """Go on until ``statement`` would be next, or to the end."""
        while self.done is None and not (
            statement and self._batch.steps and self._batch.steps[0].statement is statement
        ):
            try:
                self._batch = self._op.send(self._execute(self._batch))
            except StopIteration as stopped:
                self.done = stopped.value
        return self

    def die(self):
        """Undo it, as the server does when a worker is gone."""
        self._connection.rollback()

    def commit(self):
        self.until()
        self._connection.commit()
        return self.done.released if hasattr(self.done, "released") else self.done


@contextmanager
def two(runner, *, fails=False):
    """Yield the transactions of two workers that each settle one of two parents, and the body's id.

    Parameters
    ----------
    fails: whether the second parent has failed.
    """
    parents = [new_job(options='{"feeds":true}', root_id="root") for _ in range(2)]
    body = new_job(blocked=True, options='{"takes":"list"}', root_id="root")
    runner.run(enqueue, [*parents, body], None, [Edge(body.id, n, job.id) for n, job in enumerate(parents)])
    jobs = [take(runner, worker, at_most=1)[0] for worker in (ME, OTHER)]
    with psycopg.connect(runner.url) as one, psycopg.connect(runner.url) as other:
        for connection in (one, other):
            connection.execute("SET lock_timeout = '5s'")  # a cycle that waits is wrong, and is to say so
        yield (
            *(
                Stepwise(connection, settle(worker, job, fails=fails and worker == OTHER), job)
                for connection, worker, job in zip((one, other), (ME, OTHER), jobs, strict=True)
            ),
            body.id,
        )


def settle(worker, job, *, fails=False):
    error = Failure("ValueError: no", '{"module": "builtins", "name": "ValueError", "args": ["no"]}')
    done = Finish(job.id, State.FAILED, None, 0.1, error) if fails else Finish(job.id, State.SUCCEEDED, "1", 0.1)
    return cycle(DIALECT, worker, [done], {job.id: job.token}, None, (), Joins({job.id}))


def again(runner, owed):
    """Look once more, as a worker does in the cycle after the one in which the lock was refused."""
    return runner.run(cycle, ME, [], {}, None, (), Joins((), owed)).released

"""The transaction of a ``transactional`` task: its writes, what it sends, its settlement and its result are one commit.

It is the child's own connection, not the worker's: the worker hears of the settlement afterwards, and lets those go
that wait for the job. So this commit needs nothing but the job's own row, at any isolation.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sqlqueue.client.bind import bind
from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import TransactionEnded
from sqlqueue.services.testsignals import reached
from sqlqueue.store.ops.rescue import held_ids
from sqlqueue.store.ops.settle import settle

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from sqlqueue.client.callers import Callers
    from sqlqueue.domain.job import Job
    from sqlqueue.domain.settlement import Finish
    from sqlqueue.store.lending import Loan
    from sqlqueue.store.store import Store

PATIENCE = 5.0
"""Seconds that a settlement waits for somebody who has locked the job's row, such as an operator who revokes it."""

LOOK_AGAIN = 0.05
"""Seconds between two looks at a locked row."""


class Begins(Protocol):
    """What is needed of the client."""

    store: Store
    callers: Callers


def begin(client: Begins) -> TaskTransaction:
    """Begin the transaction of one run; raises StoreUnavailable when the database cannot be reached, or is locked."""
    return TaskTransaction(client.store.lender.lend(), client.callers, client.store.dialect.schema)


class TaskTransaction:
    """One run's transaction.

    Parameters
    ----------
    callers: lets what the task sends join.
    """

    def __init__(self, loan: Loan, callers: Callers, schema: str | None) -> None:
        self._loan = loan
        self._callers = callers
        self._schema = schema
        self._session: Session | None = None
        self._committing = False
        self._refused = False

    @property
    def session(self) -> Session:
        """A SQLAlchemy session in the transaction."""
        if self._session is None:
            from sqlalchemy.orm import Session  # noqa: PLC0415 - takes long to import, and few need it

            self._session = Session(self._loan.connection, join_transaction_mode="control_fully")
            # A session that has done nothing yet has nothing to end, though much may have been done beside it.
            vars(self._session).update(commit=self._refuse, rollback=self._refuse)
        return self._session

    def _refuse(self) -> NoReturn:
        self._refused = True
        raise TransactionEnded

    @property
    def connection(self) -> Any:
        """The driver's own connection, in the transaction."""
        return self._loan.raw

    def joined(self) -> AbstractContextManager[None]:
        """Let what is sent in the block join the transaction."""
        return self._callers.using(self._loan.connection)

    def commit(self, job: Job, finish: Finish) -> bool:
        """Settle the job and commit, if it is still this worker's; tell whether that was so.

        Raises
        ------
        TransactionEnded: the task has ended the transaction itself, or swallowed an error that did.
        """
        if self._refused:
            raise TransactionEnded
        self._loan.check_sound()
        if self._session is not None:
            self._session.flush()
        self._loan.check()
        if not self._settle(job, finish):
            return False
        reached("before-own-commit")
        self._committing = True
        self._loan.commit()
        reached("after-own-commit")
        return True

    def _settle(self, job: Job, finish: Finish) -> bool:
        worker = job.worker or ""
        bound, until = bind(self._loan.connection, self._schema), monotonic() + PATIENCE
        while not bound.run(settle(bound.dialect, worker, [finish], {job.id: job.token})).ids:
            ours = bound.run(held_ids(bound.dialect, worker, [job.id])).get(job.id) == job.token
            if not ours or monotonic() > until:
                return False
            threading.Event().wait(LOOK_AGAIN)
        return True

    def is_in_doubt(self, error: BaseException) -> bool:
        """Tell whether an exception of `commit` leaves open what was committed: the connection broke under it."""
        broken = (
            error.connection_invalidated if isinstance(error, DBAPIError) else not isinstance(error, SQLAlchemyError)
        )
        return self._committing and broken

    def end(self) -> None:
        """Undo what is not committed, and let go of the connection."""
        if self._session is not None:
            self._session.expunge_all()
        self._loan.give_back()

"""The table's side of `fence_model`: one job in real tables, put into a state, moved by a real verb, read back."""

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from sqlqueue.domain.outcome import Failure
from sqlqueue.domain.settlement import Finish, GiveBack, Reschedule
from sqlqueue.domain.states import State
from sqlqueue.domain.which import Which
from sqlqueue.store.dialect import Dialect
from sqlqueue.store.drivers import drive, over_named, over_pyformat
from sqlqueue.store.operation import Op, Statement
from sqlqueue.store.ops.claim import claim
from sqlqueue.store.ops.rescue import rescue
from sqlqueue.store.ops.retry import retry
from sqlqueue.store.ops.revoke import revoke
from sqlqueue.store.ops.settle import settle
from sqlqueue.store.postgres import Postgres
from sqlqueue.store.sqlite import SQLite
from sqlqueue.store.urls import parse_url
from tests.support.fence_model import FINAL, Row
from tests.support.jobs import lane

SETTLEMENTS: dict[str, Any] = {
    "succeed": Finish("job", State.SUCCEEDED, "5", 0.1),
    "fail": Finish("job", State.FAILED, None, 0.1, Failure("E: no")),
    "again": Reschedule("job", 0.0, 1, None),
    "back": GiveBack("job", started=False),
}

PARTS = {
    "state": r"(\b\w\.)?state = 'running' AND ",
    "token": r" AND (\w\.)?claim_token = (x\.token|json_extract\(x\.value, '\$\[1\]'\))",
    "incarnation": r" AND (\w\.)?worker = (CAST\(:worker AS uuid\)|:worker)",
}
"""How each part of the fence is written in the statements that settle."""

SETTLING = {"succeed", "finish", "drop_finished", "reschedule", "give_back"}

FINISHED = (
    "INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, created_at, finished_at, attempt,"
    " retries, crashes, claim_token, worker) VALUES ('job', 'testq', 0, '{state}', 't', '[]', '{{}}',"
    " '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00', 1, 0, 0, {token}, {worker})"
)
UNFINISHED = (
    "INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs, acks_late, max_crashes, attempt,"
    " claim_token, worker, revoked) VALUES"
    " ('job', 7, 'testq', '{state}', 't', '[]', '{{}}', {acks_late}, 1000, 1, {token}, {worker}, {revoked})"
)
READ = (
    "SELECT state, claim_token, worker, revoked FROM sqlqueue_jobs UNION ALL"
    " SELECT state, claim_token, worker, false FROM sqlqueue_results"
)


def without(dialect: Dialect, *parts: str) -> Dialect:
    """Take parts of the fence out of the text of every statement that settles."""
    for part in parts:
        changed = {}
        for name in sorted(SETTLING):
            statement: Statement | None = getattr(dialect.sql, name)
            if statement is not None:
                text = re.sub(PARTS[part], "", statement.sql)
                if text != statement.sql:
                    changed[name] = Statement(text)
        missed = SETTLING - changed.keys() - {"succeed", "drop_finished"}
        assert not missed, f"the {part} is written in another way in {missed}: mend the pattern"
        dialect.sql = dialect.sql._replace(**changed)
    return dialect


class Tables:
    """One connection, and what it has answered so far."""

    def __init__(self, connection: Any, dialect: Dialect, *, acks_late: bool = True) -> None:
        self._connection = connection
        self._dialect = dialect
        self._acks_late = acks_late
        self._cursor = connection.cursor()
        self._execute = over_named(connection) if dialect.name == "sqlite" else over_pyformat(connection, ROW)
        self._known: dict[tuple[Row, str, str, int], tuple[Row, bool]] = {}

    def do(self, row: Row, verb: str, worker: str, token: int) -> tuple[Row, bool]:
        key = (row, verb, worker, token)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._ask(row, verb, worker, token)
        return found

    def _ask(self, row: Row, verb: str, worker: str, token: int) -> tuple[Row, bool]:
        """Execute for once, in a transaction that is then rolled back."""
        self._cursor.execute("BEGIN")
        try:
            self._put(row)
            accepted = VERBS[verb](self, worker, token)
            rows = self._cursor.execute(READ).fetchall()
        finally:
            self._cursor.execute("ROLLBACK")
        assert len(rows) == 1, f"{verb} on {row} leaves {len(rows)} rows: {rows}"
        state, token, holder, revoked = rows[0]
        after = Row(state, token, str(holder) if holder and state == "running" else None, bool(revoked))
        assert accepted or after == row, f"{verb} on {row} is refused and leaves {after}"
        return after, accepted

    def _put(self, row: Row) -> None:
        text = FINISHED if row.state in FINAL else UNFINISHED
        worker = f"'{row.worker}'" if row.worker else "NULL"
        values = {"state": row.state, "token": row.token, "worker": worker}
        flags = {"acks_late": str(self._acks_late).lower(), "revoked": str(row.revoked).lower()}
        self._cursor.execute(text.format(**values, **flags))

    def run(self, verb: Callable[..., Op[Any]], *args: Any) -> Any:
        return drive(self._execute, verb(self._dialect, *args))


ROW = {"row_factory": tuple_row}


def _claim(tables: Tables, worker: str, _: int) -> bool:
    return bool(tables.run(claim, worker, [lane()], 1))


def _rescue(tables: Tables, worker: str, _: int) -> bool:
    rescued = tables.run(rescue, worker, "taken for dead")
    return bool(rescued.back or rescued.lost)


def _retry(tables: Tables, _: str, __: int) -> bool:
    return bool(tables.run(retry, Which(ids=("job",))))


def _revoke(tables: Tables, _: str, __: int) -> bool:
    return bool(tables.run(revoke, Which(ids=("job",))).met)


def _settling(kind: str) -> Callable[[Tables, str, int], bool]:
    return lambda tables, worker, token: bool(tables.run(settle, worker, [SETTLEMENTS[kind]], {"job": token}).ids)


VERBS: dict[str, Callable[[Tables, str, int], bool]] = {
    "claim": _claim, "rescue": _rescue, "retry": _retry, "revoke": _revoke,
    **{kind: _settling(kind) for kind in SETTLEMENTS},
}  # fmt: skip


def connect(url: str) -> tuple[Any, Dialect]:
    """Return a connection on which we say BEGIN ourselves, and a dialect of its own, to be tampered with."""
    if url.startswith("sqlite"):
        return sqlite3.connect(str(parse_url(url).database), isolation_level=None), SQLite()
    return psycopg.connect(url, autocommit=True), Postgres()

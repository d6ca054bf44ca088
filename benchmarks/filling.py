"""What stands in the tables before a measurement, put there untimed by the database itself; and what came of it.

Job number i calls `add(i, i)`; its id is as long as a real one and says i, so that ids are in order.
"""

from typing import NamedTuple

from sqlqueue.domain.job import NewJob

from .ground import Connection, Database, connected, rows
from .tasks import HISTORY, QUEUE

TASK = "benchmarks.tasks.add"
FAR = 86_400  # seconds until the jobs that only wait fall due
TENTHS = 10  # pace is counted in tenths of a second

JOBS = {
    "postgres": """
INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs)
SELECT lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000', nextval('sqlqueue_jobs_seq'),
       {queue}, 'ready', '{task}', json_build_array(i, i), '{{}}'
  FROM generate_series({first}, {last}) i
""",
    "sqlite": """
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs)
SELECT printf('%08x-0000-7000-8000-000000000000', i),
       i - {first} + 1 + (SELECT value FROM sqlqueue_counters WHERE name = 'seq'),
       {queue}, 'ready', '{task}', json_array(i, i), '{{}}' FROM n
""",
}

COUNTED = "UPDATE sqlqueue_counters SET value = value + {count} WHERE name = 'seq'"

SCHEDULED = {
    "postgres": """
INSERT INTO sqlqueue_jobs (id, queue, state, task, args, kwargs, run_at)
SELECT 'later-' || lpad(to_hex(i), 8, '0') || '-7000-8000-000000000000', '{queue}', 'scheduled', '{task}',
       json_build_array(i, i), '{{}}', clock_timestamp() + make_interval(secs => {far} + i % 3600)
  FROM generate_series(1, {count}) i
""",
    "sqlite": """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
INSERT INTO sqlqueue_jobs (id, queue, state, task, args, kwargs, run_at)
SELECT printf('later-%08x-7000-8000-000000000000', i), '{queue}', 'scheduled', '{task}', json_array(i, i), '{{}}',
       strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', ({far} + i % 3600) || ' seconds') FROM n
""",
}

RESULT = """
INSERT INTO sqlqueue_results (id, queue, priority, state, task, args, kwargs, created_at, claimed_at, finished_at,
                              attempt, retries, crashes, claim_token, result)
"""
HISTORIES = {
    "postgres": RESULT
    + """
SELECT 'older-' || lpad(to_hex(i), 8, '0') || '-7000-8000-000000000000', '{queue}', 0, 'succeeded', '{task}',
       json_build_array(i, i), '{{}}', t, t, t, 1, 0, 0, 1, to_json(2 * i)
  FROM generate_series(1, {count}) i, clock_timestamp() t
""",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    + RESULT
    + """
SELECT printf('older-%08x-7000-8000-000000000000', i), '{queue}', 0, 'succeeded', '{task}', json_array(i, i), '{{}}',
       t, t, t, 1, 0, 0, 1, 2 * i FROM n, (SELECT strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now') AS t)
""",
}

# The same text on both databases.
DRAINED = f"""
SELECT count(*), min(claimed_at), max(finished_at), sum(CAST(CAST(result AS text) AS bigint))
  FROM sqlqueue_results WHERE queue <> '{HISTORY}'
"""

PACE = {
    "postgres": f"""
SELECT CAST(floor(extract(epoch FROM finished_at) * {TENTHS}) AS bigint) AS tenth, count(*)
  FROM sqlqueue_results WHERE queue <> '{HISTORY}' GROUP BY 1 ORDER BY 1
""",
    "sqlite": f"""
SELECT CAST((julianday(finished_at) - 2440587.5) * 86400 * {TENTHS} AS INTEGER) AS tenth, count(*)
  FROM sqlqueue_results WHERE queue <> '{HISTORY}' GROUP BY 1 ORDER BY 1
""",
}

SEEN = f"""
SELECT count(*), sum(CASE WHEN CAST(CAST(result AS text) AS bigint) = 2 * CAST({{first_arg}} AS bigint)
                          THEN 1 ELSE 0 END)
  FROM sqlqueue_results WHERE queue <> '{HISTORY}'
"""
FIRST_ARG = {"postgres": "args ->> 0", "sqlite": "json_extract(args, '$[0]')"}


def jobs(first: int, count: int) -> list[NewJob]:
    """Return calls of `add(i, i)` with ids in order, whose results sum up to a known number."""
    return [NewJob(id=job_id(i), task=TASK, queue=QUEUE, args=f"[{i},{i}]") for i in range(first, first + count)]


def job_id(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-000000000000"


def fill(database: Database, url: str, count: int, *, first: int = 0, queues: int = 1) -> None:
    """Put jobs into the queue, or by turns into so many queues that are named after it."""
    with connected(url) as connection:
        insert(connection, database.name, count, first=first, queues=queues)


def insert(connection: Connection, kind: str, count: int, *, first: int, queues: int = 1) -> None:
    queue = f"'{QUEUE}'" if queues == 1 else f"'{QUEUE}' || CAST(i % {queues} AS text)"
    rows(connection, "BEGIN IMMEDIATE" if kind == "sqlite" else "BEGIN")
    rows(connection, JOBS[kind].format(first=first, last=first + count - 1, queue=queue, task=TASK))
    if kind == "sqlite":
        rows(connection, COUNTED.format(count=count))
    rows(connection, "COMMIT")


def schedule(database: Database, url: str, count: int) -> None:
    """Put jobs in that are not due for a day."""
    database.ask(url, SCHEDULED[database.name].format(count=count, queue=QUEUE, task=TASK, far=FAR))


def remember(database: Database, url: str, count: int) -> None:
    """Put results of earlier jobs in, where those of the measurement will stand."""
    database.ask(url, HISTORIES[database.name].format(count=count, queue=HISTORY, task=TASK))


def rate(database: Database, url: str, count: int, *, answers: bool = True) -> float:
    """Return jobs a second from the first claim to the last result, by the database's clock.

    Asserts that every job has its result, and, unless `answers` is false, that the results are right.
    """
    ((found, first, last, total),) = database.ask(url, DRAINED)
    assert found == count, f"{found} results of {count} jobs"
    assert not answers or total == count * (count - 1), "the results are wrong"
    left = database.ask(url, "SELECT count(*) FROM sqlqueue_jobs WHERE state <> 'scheduled'")
    assert left == [(0,)], "jobs are left"
    return count / database.seconds(first, last)


class Pace(NamedTuple):
    """How many results each tenth of a second brought, from the first one on."""

    tenths: list[int]

    def rate(self, *, skip: int = 0, seconds: float | None = None) -> float:
        """Return results a second after the first `skip` results, for so long or until the last full tenth."""
        passed, begin = 0, 0
        while passed < max(skip, 1):
            passed += self.tenths[begin]
            begin += 1
        end = len(self.tenths) - 1 if seconds is None else begin + round(seconds * TENTHS)
        counted = self.tenths[begin : max(min(end, len(self.tenths) - 1), begin + 1)]
        return sum(counted) * TENTHS / len(counted)


def pace(database: Database, url: str) -> Pace:
    """Read how many results each tenth brought; asserts that each of them is right."""
    ((found, right),) = database.ask(url, SEEN.format(first_arg=FIRST_ARG[database.name]))
    assert found == right, f"{right} of {found} results are right"
    counts = dict(database.ask(url, PACE[database.name]))
    return Pace([counts.get(tenth, 0) for tenth in range(min(counts), max(counts) + 1)])

"""What a PostgreSQL server has counted of the jobs table."""

import psycopg

from tests.support.processes import wait_until

COUNTED = "SELECT n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = 'sqlqueue_jobs'"


def updates(url: str, wanted: int) -> tuple[int, int, int]:
    """Return how many updates there were, how many of them HOT, and how many deletes, once so many are counted.

    A server process tells what it has done when it ends, a moment after its connection has.
    """
    with psycopg.connect(url, autocommit=True) as connection:

        def told():
            row = connection.execute(COUNTED).fetchone()
            return row if row is not None and row[0] >= wanted else None

        return wait_until("the statistics", told)

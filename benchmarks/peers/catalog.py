"""The other queues that are measured in the same run, each at the best of the settings that were tried."""

from typing import NamedTuple

from benchmarks.peers import install


class Peer(NamedTuple):
    """One peer.

    `left` asks its own store how many of `{count}` jobs are not durably over; None: the number of Redis's results.
    """

    name: str
    database: str
    script: str
    packages: list[str]
    settings: str  # for people
    left: str | None
    jobs: int  # jobs that take about six seconds on two processors of 2026
    processes: int = 2
    url: str = "{url}"  # what the script is told, `{redis}` being where Redis is
    extension: str | None = None  # that the server must offer


CELERY = ["celery[redis]", "sqlalchemy", "psycopg2-binary", "psycopg[binary]"]
TASKMETA = "SELECT {count} - count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'"

PEERS = [
    Peer(
        "PgQueuer",
        "postgres",
        "on_pgqueuer.py",
        ["pgqueuer", "asyncpg", "uvloop"],
        "asyncpg, uvloop, batches of 500, 2 processes; stores no result",
        "SELECT count(*) FROM pgqueuer",
        200_000,
    ),
    Peer(
        "Graphile Worker",
        "postgres",
        "on_graphile.mjs",
        ["graphile-worker"],
        "Node, 10 jobs at a time, local queue of 500, batched completion, 2 processes; stores no result",
        "SELECT count(*) FROM graphile_worker._private_jobs",
        400_000,
    ),
    Peer(
        "Procrastinate",
        "postgres",
        "on_procrastinate.py",
        ["procrastinate", "psycopg[binary]"],
        "coroutines, 20 at a time, 2 processes; stores no result",
        "SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'",
        7_000,
    ),
    Peer(
        "Celery + Redis",
        "postgres",
        "on_celery.py",
        CELERY,
        "2 processes of the pool solo; Redis is not durable as it comes",
        None,
        14_000,
        url="{redis}/0|{redis}/1|solo|1",
    ),
    Peer(
        "Celery on sqla+postgresql",
        "postgres",
        "on_celery.py",
        CELERY,
        "prefork, 2 children, results in db+postgresql",
        TASKMETA,
        3_000,
        1,
        "sqla+{url}|db+{url}|prefork|2",
    ),
    Peer(
        "Celery on pgmq",
        "postgres",
        "on_celery.py",
        CELERY,
        "prefork, 2 children, results in db+postgresql",
        TASKMETA,
        3_000,
        1,
        "pgmq+{url}|db+{url}|prefork|2",
        extension="pgmq",
    ),
    Peer(
        "huey",
        "sqlite",
        "on_huey.py",
        ["huey"],
        "synchronous=OFF, as it comes; one thread",
        "SELECT {count} - count(*) FROM kv",
        100_000,
        1,
    ),
]


def command(peer: Peer) -> tuple[list[str], dict[str, str], str]:
    """Return how the peer's script is run, in what environment, and its version; installs it when needed."""
    if peer.script.endswith(".mjs"):
        program, modules = install.node(peer.packages[0])
        return [program], {"BENCH_NODE_MODULES": str(modules)}, install.node_version(modules, peer.packages[0])
    name = peer.script.removeprefix("on_").removesuffix(".py")
    program_path = install.python(name, peer.packages)
    names = [package.partition("[")[0] for package in peer.packages]
    return [str(program_path)], {}, install.versions(program_path, names)

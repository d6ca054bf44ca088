"""Celery: results stored, everything that chats switched off. URL is `broker|result backend|pool|concurrency`."""

import sys

from celery import Celery
from side import main, ran

BROKER, BACKEND, POOL, CONCURRENCY = sys.argv[2].split("|")

app = Celery("on_celery", broker=BROKER, backend=BACKEND)
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)


@app.task(name="add")
def add(a: int, b: int) -> int:
    ran()
    return a + b


def _fill(_: str, count: int) -> None:
    with app.producer_or_acquire() as producer:
        for i in range(count):
            add.apply_async((i, i), producer=producer)


def _work(_: str) -> None:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    app.worker_main(["worker", f"--pool={POOL}", f"--concurrency={CONCURRENCY}", "--hostname=bench%i@%h", *quiet])


if __name__ == "__main__":
    main(_fill, _work)

"""PgQueuer: asyncpg, uvloop, batches of 500; it deletes what is done and logs it, and stores no result."""

import asyncio
import json
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from side import main, ran

BATCH = 500


async def _fill(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    for first in range(0, count, 1000):
        payloads = [json.dumps({"a": i, "b": i}).encode() for i in range(first, min(first + 1000, count))]
        await queries.enqueue(["add"] * len(payloads), list(payloads), [0] * len(payloads))
    await connection.close()


async def _work(url: str) -> None:
    manager = QueueManager(Queries(AsyncpgDriver(await asyncpg.connect(url))))

    @manager.entrypoint("add")
    async def add(job: Job) -> None:
        json.loads(job.payload or b"{}")
        ran()

    await manager.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1))


if __name__ == "__main__":
    uvloop.install()
    main(lambda url, count: asyncio.run(_fill(url, count)), lambda url: asyncio.run(_work(url)))

"""Procrastinate: psycopg, coroutines, 20 at a time; it keeps each job's row and its events."""

import asyncio
import sys

import procrastinate
from side import main, ran

CONCURRENCY = 20

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[2]))


@app.task(name="add")
async def add(a: int, b: int) -> int:
    ran()
    return a + b


async def _fill(count: int) -> None:
    async with app.open_async() as opened:
        await opened.schema_manager.apply_schema_async()
        for first in range(0, count, 1000):
            calls = [{"a": i, "b": i} for i in range(first, min(first + 1000, count))]
            await opened.configure_task("add").batch_defer_async(*calls)


async def _work() -> None:
    async with app.open_async() as opened:
        await opened.run_worker_async(concurrency=CONCURRENCY)


if __name__ == "__main__":
    main(lambda _, count: asyncio.run(_fill(count)), lambda _: asyncio.run(_work()))

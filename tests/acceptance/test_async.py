"""The async twins against a real worker: hundreds may wait, and one that gives up leaves the others waiting."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sqlqueue import ResultTimeout
from tests.acceptance.test_kills import held_by


def test_hundreds_wait_without_a_thread_each(place):
    worker = place.worker("-P", "threads", "-c", "2").wait_ready()
    tasks = place.app()

    async def trip() -> list[int]:
        results = await asyncio.gather(*(tasks.add.adelay(n, n) for n in range(150)))
        results += [await tasks.app.asend_task("tasks.add", [150, 150], queue="testq")]
        before = threading.active_count()
        waiting = [asyncio.create_task(result.aget(timeout=30)) for result in results]
        await asyncio.sleep(0)
        assert threading.active_count() - before <= 3 + 32, "listener, look-ups, and asyncio's own helpers"
        return await asyncio.gather(*waiting)

    assert asyncio.run(trip()) == [2 * n for n in range(151)]
    assert worker.finish() == 0


def test_one_that_gives_up_leaves_the_others_waiting(place):
    worker = place.worker("-P", "threads").wait_ready()
    tasks = place.app()

    async def trip() -> int:
        result = await tasks.hold.adelay(str(place.folder))
        patient = [asyncio.create_task(result.aget(timeout=30)) for _ in range(2)]
        hasty = asyncio.create_task(result.aget(timeout=30))
        with pytest.raises(ResultTimeout):
            await result.aget(timeout=0.2)
        hasty.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hasty
        (place.folder / "go").touch()
        first, second = await asyncio.gather(*patient)
        assert first == second
        assert not tasks.app.client.waiting._futures
        never = tasks.app.AsyncResult("nobody-knows-this")
        with pytest.raises(ResultTimeout):
            await never.aget(timeout=0.05)
        with pytest.raises(ResultTimeout):
            never.get(timeout=0.05)
        assert not tasks.app.client.waiting._futures, "what nobody waits for is looked for no more"
        return first

    assert asyncio.run(trip()) == worker.process.pid
    assert held_by(place) == [worker.process.pid]
    assert worker.finish() == 0

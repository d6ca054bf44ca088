"""What children must not inherit: connections, threads, random numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.processes import wait_until

PATIENCE = 40.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_children_inherit_no_connection_no_thread_and_no_random_numbers(place):
    (place.folder / "tasks.py").write_text((Path(__file__).parent / "forked_tasks.py").read_text())
    tasks = place.app()
    worker = place.worker("-c", "3").wait_ready()
    seen: dict[int, dict] = {}

    def all_three() -> bool:
        for result in [tasks.look.delay() for _ in range(20)]:
            found = result.get(timeout=PATIENCE)
            seen.setdefault(found["pid"], found)
        return len(seen) == 3

    wait_until("each child to have looked", all_three)
    assert worker.process.pid not in seen
    assert [found["files"] for found in seen.values()] == [[]] * 3
    assert [found["threads"] for found in seen.values()] == [1] * 3
    assert len({found["chance"] for found in seen.values()}) == 3
    sent = [tasks.send_on.delay(n) for n in range(60)]
    ids = [result.get(timeout=PATIENCE) for result in sent]
    assert [tasks.app.AsyncResult(id_).get(timeout=PATIENCE) for id_ in ids] == [2 * n for n in range(60)]
    assert worker.finish() == 0

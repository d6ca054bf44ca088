"""Jobs that were revoked after they had been claimed, wherever in the worker they are by then."""

from typing import Any

import pytest

from sqlqueue.domain.outcome import Revoked, Succeeded
from sqlqueue.worker.held import Held
from sqlqueue.worker.limits import LimitBook
from sqlqueue.worker.pools.coroutines import AsyncioPool
from sqlqueue.worker.pools.threads import ThreadPool
from sqlqueue.worker.revocations import GRACE, KNOWN, Revocations
from tests.services.prefork_stage import Stage, add, alone, eventually, executor, hold
from tests.support.claimed import claimed
from tests.support.clock import FakeClock

OVER = Revoked("revoked before it started")


class Line:
    """A pool in which nothing starts by itself."""

    def __init__(self):
        self.jobs = []
        self.runs = set()
        self.ended = []
        self.before_submit = lambda: None

    def submit(self, jobs):
        self.before_submit()
        self.jobs += jobs

    def take_back(self, ids):
        taken = [job for job in self.jobs if job.id in ids]
        self.jobs = [job for job in self.jobs if job.id not in ids]
        return taken

    def end(self, id_, outcome, by):
        self.ended.append((id_, outcome.reason, by))
        return id_ in self.runs


class Scene:
    def __init__(self):
        self.held, self.clock = Held(), FakeClock()
        self.pool: Any = Line()
        self.reported: list[Any] = []
        pool: Any = self.pool
        self.revocations = Revocations(self.held, pool, self.reported.extend, self.clock)

    def claim(self, *ids, token=1):
        return self.held.take([claimed(id=id_, token=token) for id_ in ids])


@pytest.fixture
def scene():
    return Scene()


def ids(jobs):
    return [job.id for job in jobs]


def test_what_waits_in_the_pool_is_taken_out(scene):
    scene.revocations.hand_over(scene.claim("a", "b", "c"))
    scene.revocations.heed([("b", 1), ("another worker's", 1)], None)
    assert ids(scene.pool.jobs) == ["a", "c"]
    assert [(job.id, outcome) for job, outcome in scene.reported] == [("b", OVER)]


def test_what_is_still_on_its_way_from_the_database_never_comes_to_the_pool(scene):
    scene.revocations.heed([("b", 1)], None)
    scene.revocations.hand_over(scene.claim("a", "b"))
    assert ids(scene.pool.jobs) == ["a"]
    assert [(job.id, outcome) for job, outcome in scene.reported] == [("b", OVER)]


def test_what_is_handed_over_at_that_moment_is_found_all_the_same(scene):
    jobs = scene.claim("a", "b")
    scene.pool.before_submit = lambda: scene.revocations.heed([("b", 1)], None)
    scene.revocations.hand_over(jobs)
    assert ids(scene.pool.jobs) == ["a"]
    assert [(job.id, outcome) for job, outcome in scene.reported] == [("b", OVER)]


def test_another_claim_of_the_same_job_is_another_matter(scene):
    scene.revocations.heed([("a", 1)], "SIGTERM")
    scene.revocations.hand_over(scene.claim("a", token=3))
    scene.revocations.heed([("a", 2)], None)
    assert ids(scene.pool.jobs) == ["a"]
    assert scene.revocations.tick() == float("inf")
    assert scene.pool.ended == scene.reported == []


def test_it_is_forgotten_in_time(scene):
    scene.revocations.heed([("a", 1)], None)
    scene.clock.advance(KNOWN + 1)
    scene.revocations.heed([("b", 1)], None)
    scene.revocations.hand_over(scene.claim("a", "b"))
    assert ids(scene.pool.jobs) == ["a"]


def test_what_runs_is_tried_until_it_is_found_running_and_killed_when_it_stays(scene):
    scene.claim("a")
    scene.revocations.heed([("a", 1)], "SIGINT")
    rests = [scene.revocations.tick()]
    for _ in range(12):
        scene.clock.advance(rests[-1])
        rests.append(scene.revocations.tick())
    assert rests == sorted(rests)
    assert rests[-1] <= 0.5
    scene.pool.runs.add("a")
    scene.clock.advance(rests[-1])
    assert scene.revocations.tick() == pytest.approx(GRACE)
    scene.revocations.heed([("a", 1)], "SIGINT")
    scene.clock.advance(GRACE)
    scene.pool.ended.clear()
    scene.revocations.tick()
    assert scene.pool.ended == [("a", "terminated by SIGKILL", 9)], "and no second SIGINT"
    scene.held.drop(["a"])
    assert scene.revocations.tick() == float("inf")


def test_one_that_is_only_to_be_told_is_not_killed(scene):
    scene.claim("a")
    scene.pool.runs.add("a")
    scene.revocations.heed([("a", 1)], "SIGUSR1")
    assert scene.revocations.tick() == float("inf")
    assert [one[2] for one in scene.pool.ended] == [10]


@alone
def test_one_in_a_childs_pipe_is_taken_out_and_the_others_run(folder):
    stage = Stage(seats=1)
    running = stage.submit(hold, folder / "held")
    eventually((folder / "held").exists)
    behind = [stage.submit(add, 1, n) for n in range(4)]
    assert stage.pool.take_back({behind[1].id, running.id, "no such"}) == [behind[1]]
    assert stage.pool.take_back({behind[1].id}) == []
    (folder / "held.go").touch()
    outcomes = stage.wait(4)
    assert outcomes.keys() == {running.id, behind[0].id, behind[2].id, behind[3].id}
    assert stage.pool.load == 0
    stage.end()


@pytest.mark.parametrize("kind", [ThreadPool, AsyncioPool])
def test_one_in_a_line_is_taken_out_and_the_others_run(tmp_path, kind):
    reported: list[Any] = []

    def report(done):
        reported.extend(done)

    works = executor()
    pool = kind(1, works, report, LimitBook(works._tasks))
    pool.start()
    held = claimed(id="held", task="hold", args=f'["{tmp_path / "held"}"]')
    others = [claimed(id=f"o{n}", task="add", args=f"[1, {n}]") for n in range(3)]
    pool.submit([held])
    eventually((tmp_path / "held").exists)
    pool.submit(others)
    assert pool.take_back({"o1", "held"}) == [others[1]]
    assert pool.load == 3
    (tmp_path / "held.go").touch()
    eventually(lambda: len(reported) == 3)
    assert sorted(job.id for job, _ in reported) == ["held", "o0", "o2"]
    assert all(isinstance(outcome, Succeeded) for _, outcome in reported)
    pool.stop()
    assert pool.join(20)

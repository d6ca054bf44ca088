"""Short words for the tests of verbs: make jobs, put them in, claim them."""

from collections.abc import Sequence
from typing import Any

from sqlqueue.domain.ids import new_job_id
from sqlqueue.domain.job import Job, NewJob
from sqlqueue.domain.settlement import Finish
from sqlqueue.domain.states import State
from sqlqueue.store.ops.claim import LaneRead, claim
from sqlqueue.store.ops.enqueue import enqueue
from sqlqueue.store.ops.settle import Settled, settle
from sqlqueue.store.ops.workers import WorkerRecord, register
from tests.support.runners import Runner

QUEUE = "testq"
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
ME = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
STRANGER = "33333333-3333-4333-8333-333333333333"


def new_job(**values: Any) -> NewJob:
    """Return a job with an id of its own."""
    return NewJob(**{"id": new_job_id(), "task": "shop.add", "queue": QUEUE, **values})


def put(runner: Runner, *jobs: NewJob) -> list[Any]:
    """Insert jobs, each list in one call; without any, one plain job."""
    return runner.run(enqueue, list(jobs) or [new_job()])


def put_many(runner: Runner, number: int, **values: Any) -> list[str]:
    """Insert so many jobs at once and return their ids, in order."""
    jobs = [new_job(**values) for _ in range(number)]
    put(runner, *jobs)
    return [job.id for job in jobs]


def lane(
    queue: str = QUEUE, priority: int = 0, low: int = LOWEST, high: int = HIGHEST, at_most: int = 1000
) -> LaneRead:
    return LaneRead(queue, priority, low, high, at_most)


def take(runner: Runner, worker: str = ME, at_most: int = 100, lanes: Sequence[LaneRead] | None = None) -> list[Job]:
    """Claim for ``worker``, from the whole of one lane unless told otherwise."""
    return runner.run(claim, worker, lanes or [lane()], at_most)


def take_one(runner: Runner, worker: str = ME, **values: Any) -> Job:
    """Insert one job and claim it."""
    (job_id,) = put_many(runner, 1, **values)
    (job,) = take(runner, worker)
    assert job.id == job_id
    return job


def finish(runner: Runner, *jobs: Job, worker: str = ME, token: int | None = None) -> Settled:
    """Settle jobs as succeeded with the result 5, under their tokens or the given one."""
    done = [Finish(job.id, State.SUCCEEDED, "5", 0.25) for job in jobs]
    tokens = {job.id: job.token if token is None else token for job in jobs}
    return runner.run(settle, worker, done, tokens)


def send(runner: Runner, job: Job, settlement: Any, worker: str = ME) -> Settled:
    """Send one settlement of one job."""
    return runner.run(settle, worker, [settlement], {job.id: job.token})


def worker_record(incarnation: str = ME, **values: Any) -> WorkerRecord:
    plain = {
        "incarnation": incarnation, "name": "test-worker1", "host": "here", "pid": 4711, "home": "m:1:99",
        "pool": "solo", "concurrency": 2, "queues": [QUEUE], "tasks": ["shop.add"], "version": "0",
    }  # fmt: skip
    return WorkerRecord(**{**plain, **values})


def sign_on(runner: Runner, incarnation: str = ME, **values: Any) -> None:
    runner.run(register, worker_record(incarnation, **values))

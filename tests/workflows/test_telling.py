"""update_state and progress: what a task tells of itself while it runs, and how `Ignore` makes an end of it."""

import contextlib
import threading

import pytest

from sqlqueue import SQLQueue
from sqlqueue.client import teller
from sqlqueue.errors import EncodingError, Ignore, TaskError, TaskFailed, TaskRevoked
from sqlqueue.store.ops.told import tell
from tests.support.inprocess import working
from tests.support.processes import wait_until

PATIENCE = 30.0


class Stage:
    """An app, and a worker from `start` on; `step` lets a task go on."""

    def __init__(self, app, stack):
        self.app = app
        self._stack = stack
        self.steps = threading.Semaphore(0)
        self.at = threading.Semaphore(0)

    def start(self):
        self._stack.enter_context(working(self.app))

    def pause(self):
        self.at.release()
        assert self.steps.acquire(timeout=PATIENCE)

    def reached(self):
        assert self.at.acquire(timeout=PATIENCE)

    def step(self):
        self.steps.release()


@pytest.fixture
def stage(database_url):
    app = SQLQueue("shop", broker=database_url)
    with contextlib.ExitStack() as stack:
        yield Stage(app, stack)
    app.close()


def test_a_state_of_ones_own(stage):
    @stage.app.task(bind=True)
    def work(self):
        stage.pause()
        self.update_state(state="HALF", meta={"done": 1})
        stage.pause()
        return "all"

    stage.start()
    result = work.delay()
    stage.reached()
    assert (result.state, result.info) == ("STARTED", None)
    stage.step()
    stage.reached()
    assert (result.state, result.status, result.info, result.result) == ("HALF", "HALF", {"done": 1}, {"done": 1})
    assert not result.ready()
    assert stage.app.jobs.show(result.id).job.told == "HALF"
    stage.step()
    assert result.get(timeout=PATIENCE) == "all"
    assert (result.state, result.info) == ("SUCCESS", "all")


def test_progress_told_a_hundred_thousand_times_costs_a_few_statements(stage, monkeypatch):
    written = []

    def counted(dialect, told):
        written.append(told)
        return tell(dialect, told)

    monkeypatch.setattr(teller, "tell", counted)

    @stage.app.task(bind=True)
    def work(self):
        for n in range(100_001):
            self.progress(n, 100_000, message="counting")
        stage.pause()

    stage.start()
    result = work.delay()
    stage.reached()
    last = {"done": 100_000, "total": 100_000, "message": "counting"}
    wait_until("the last of them", lambda: result.info == last)
    assert result.state == "PROGRESS"
    assert 1 <= len(written) <= 40
    stage.step()
    result.get(timeout=PATIENCE)


def test_a_retry_does_not_show_what_the_run_before_it_told(stage):
    @stage.app.task(bind=True)
    def work(self):
        if self.request.retries == 0:
            self.update_state(state="HALF", meta=1)
            raise self.retry(countdown=0)
        stage.pause()

    stage.start()
    result = work.delay()
    stage.reached()
    assert (result.state, result.info) == ("STARTED", None)
    stage.step()
    result.get(timeout=PATIENCE)


def test_of_another_running_job(stage):
    @stage.app.task
    def held():
        stage.pause()

    @stage.app.task(bind=True)
    def watch(self, other):
        self.update_state(task_id=other, state="WATCHED", meta=7)

    stage.start()
    result = held.delay()
    stage.reached()
    watch.delay(result.id).get(timeout=PATIENCE)
    assert (result.state, result.info) == ("WATCHED", 7)
    stage.step()
    result.get(timeout=PATIENCE)


def test_ignore_ends_a_job_in_the_state_that_it_has_told(stage):
    @stage.app.task(bind=True)
    def end(self, state, meta):
        self.update_state(state=state, meta=meta)
        raise Ignore

    stage.start()
    assert end.delay("SUCCESS", [1, 2]).get(timeout=PATIENCE) == [1, 2]
    with pytest.raises(TaskError, match="no such order"):
        end.delay("FAILURE", "no such order").get(timeout=PATIENCE)
    with pytest.raises(TaskFailed, match="no such order"):
        end.delay("FAILURE", {"exc_type": "OrderError", "exc_message": "no such order"}).get(timeout=PATIENCE)
    with pytest.raises(TaskRevoked, match="not needed"):
        end.delay("REVOKED", "not needed").get(timeout=PATIENCE)
    assert end.delay("HALF", 1).get(timeout=PATIENCE) is None
    assert end.apply(("SUCCESS", 5)).get() == 5
    with pytest.raises(TaskRevoked, match="not needed"):
        end.apply(("REVOKED", "not needed")).get()
    with pytest.raises(TaskError, match="no such order"):
        end.apply(("FAILURE", "no such order")).get()


@pytest.mark.parametrize(
    ("state", "meta", "kind", "said"),
    [
        (None, 1, TaskError, "state is None"),
        ("", 1, TaskError, "state is ''"),
        ("A\nB", 1, TaskError, "printable"),
        ("X" * 65, 1, TaskError, "1 to 64"),
        ("HALF", object(), EncodingError, "meta"),
        ("HALF", "a\0b", EncodingError, "meta"),
    ],
)
def test_what_cannot_be_told(stage, state, meta, kind, said):
    @stage.app.task(bind=True)
    def work(self):
        with pytest.raises(kind, match=said):
            self.update_state(state=state, meta=meta)

    stage.start()
    work.delay().get(timeout=PATIENCE)


def test_progress_takes_numbers(stage):
    @stage.app.task(bind=True)
    def work(self):
        for wrong in ({"done": "1"}, {"done": 1, "total": True}, {"done": float("nan")}, {"done": 1, "message": 7}):
            with pytest.raises(TaskError, match="use a"):
                self.progress(**wrong)

    stage.start()
    work.delay().get(timeout=PATIENCE)


def test_without_a_job_nothing_is_shown(stage):
    @stage.app.task(bind=True)
    def work(self):
        self.update_state(state="HALF", meta=1)
        self.progress(1, 2)
        return 5

    assert work() == 5
    assert work.apply().get() == 5


def test_an_async_task_is_not_held_up(stage):
    @stage.app.task(bind=True)
    async def work(self):
        self.progress(1, 2)
        return 5

    stage.start()
    assert work.delay().get(timeout=PATIENCE) == 5


def test_in_a_transactional_task(stage, database_url):
    @stage.app.task(bind=True, transactional=True)
    def work(self):
        self.progress(1, 2)
        try:
            self.update_state(state="HALF", meta=1)
        except TaskError as error:
            return "refused" if "keeps everybody else from writing" in str(error) else repr(error)
        stage.pause()
        return "shown"

    stage.start()
    result = work.delay()
    if database_url.startswith("sqlite"):
        assert result.get(timeout=PATIENCE) == "refused"
        return
    stage.reached()
    assert (result.state, result.info) == ("HALF", 1)
    stage.step()
    assert result.get(timeout=PATIENCE) == "shown"

"""Tasks of a Celery project: options, attributes, hooks and methods that only Celery's have; on both databases."""

import threading

import pytest

from sqlqueue import SQLQueue
from sqlqueue.celery import Celery, Task, exceptions
from sqlqueue.celery.exceptions import ImproperlyConfigured
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working

PATIENCE = 30


def row(celery, result):
    return celery.jobs.show(result.id)


def get(celery, result):
    drain(celery)
    return result.get(timeout=PATIENCE)


def test_any_other_option_is_an_attribute_and_a_function_a_method(celery):
    heard = []

    @celery.task(favourite="blue", on_success=lambda self, value, *_: heard.append((self.favourite, value)))
    def task(x):
        return x

    assert get(celery, task.delay(1)) == 1
    assert (task.favourite, heard) == ("blue", [("blue", 1)])


def test_a_filter_is_given_the_task(celery):
    @celery.task(filter=lambda made: (made, "filtered"))
    def task():
        return 1

    assert task[1] == "filtered"
    assert get(celery, task[0].delay()) == 1


def test_a_task_that_is_bound_hears_of_its_app(celery):
    heard = []

    class Base(Task):
        @classmethod
        def on_bound(cls, app):
            heard.append(app.main)

    celery.task(base=Base)(lambda: 1)
    celery.register_task(type("Own", (Base,), {"name": "own", "run": lambda self: 2})())
    assert heard == ["proj", "proj"]
    assert get(celery, celery.tasks["own"].delay()) == 2


def test_how_a_call_is_shown(celery):
    @celery.task(bind=True, shadow_name=lambda self, args, kwargs, options: f"order {args[0]}")
    def task(self, *_):
        return self.request.shadow

    class Order(Task):
        def shadow_name(self, args, kwargs, options):
            return options["queue"]

    other = celery.task(base=Order, bind=True, name="o")(lambda self: self.request.shadow)
    assert get(celery, task.delay(7)) == "order 7"
    assert get(celery, other.apply_async(queue="celery")) == "celery"


def test_an_option_that_is_set_later_counts(celery):
    @celery.task(bind=True)
    def task(self):
        self.retry(countdown=0)

    task.max_retries = 1
    task.queue = "mail"
    result = task.delay()
    assert (task.max_retries, row(celery, result).job.queue) == (1, "mail")
    assert len(drain(celery, ["mail"])) == 2


@pytest.mark.parametrize("name", ["Request", "Strategy"])
def test_classes_of_celerys_worker_are_refused(celery, name):
    with pytest.raises(ImproperlyConfigured, match=f"has a {name} of its own"):
        celery.task(**{name: "proj.Own"})(lambda: 1)
    with pytest.raises(ImproperlyConfigured, match=f"has a {name} of its own"):
        celery.task(base=type("Base", (Task,), {name: "proj.Own"}), name="other")(lambda: 1)


def test_a_backend_of_its_own_changes_nothing(celery):
    task = celery.task(backend="redis://localhost")(lambda: 1)
    assert get(celery, task.delay()) == 1


@pytest.mark.parametrize("word", ["reject_on_worker_lost", "retry_on_worker_lost"])
def test_a_job_whose_worker_died_may_run_again(celery, word):
    base = type("Base", (Task,), {word: True})
    tasks = [
        celery.task(name="a", acks_late=True, **{word: True})(lambda: 1),
        celery.task(name="b", acks_late=True, base=base)(lambda: 1),
        celery.task(name="c", acks_late=True)(lambda: 1),
    ]
    assert [row(celery, task.delay()).max_crashes for task in tasks] == [3, 3, 1]
    celery.conf.update({f"task_{word}": True})
    assert row(celery, tasks[2].delay()).max_crashes == 3


def test_a_replacement_may_be_another(celery, add):
    class Base(Task):
        def on_replace(self, sig):
            return super().on_replace(self.app.signature("add", (1, 1)))

    @celery.task(base=Base, bind=True, name="replaced")
    def replaced(self):
        self.replace(self.app.signature("add", (5, 5)))

    assert get(celery, replaced.delay()) == 2


@pytest.mark.parametrize("eager", [False, True])
def test_so_may_that_of_an_eager_task(celery, add, eager):
    class Base(Task):
        def on_replace(self, sig):
            return super().on_replace(self.app.signature("add", (sig.args[0], 1)).set(some="option"))

    @celery.task(base=Base, bind=True, name="replaced")
    def replaced(self):
        self.replace(self.app.signature("add", (5, 5)))

    celery.conf.task_always_eager = eager
    result = replaced.delay() if eager else replaced.apply()
    assert result.get() == 6


def test_what_ends_a_job_is_raised_as_itself(celery):
    @celery.task
    def task(name):
        raise getattr(exceptions, name)("why")

    names = ("WorkerLostError", "TimeLimitExceeded", "SoftTimeLimitExceeded", "NotRegistered", "ChordError")
    sent = {name: task.delay(name) for name in (*names, "TaskRevokedError")}
    sent["TaskRevokedError"].revoke()
    drain(celery)
    for name, result in sent.items():
        with pytest.raises(getattr(exceptions, name)):
            result.get(timeout=PATIENCE)


def test_a_request_of_ones_own(celery):
    @celery.task(bind=True)
    def task(self):
        return [self.request.id, self.request.retries, self.request.called_directly]

    task.push_request(id="one", retries=2, called_directly=False)
    try:
        assert task() == ["one", 2, False]
        with pytest.raises(exceptions.Retry):
            task.retry()
    finally:
        task.pop_request()
    assert task() == [None, 0, True]


def test_what_a_run_has_sent(celery, add):
    @celery.task(bind=True, name="parent")
    def parent(self):
        sent = [self.app.send_task("add", (1,)), self.add_trail(self.AsyncResult("another"))]
        again = self.signature_from_request(args=(2,))
        return [[one.id for one in self.request.children] == [one.id for one in sent], again.task, list(again.args)]

    assert get(celery, parent.delay()) == [True, "parent", [2]]


ASKED = """
args callbacks called_directly chain children chord correlation_id delivery_info errbacks eta expires
group group_index headers hostname id ignore_result is_eager kwargs logfile loglevel origin parent_id
properties replaced_task_nesting reply_to retries root_id shadow soft_time_limit stamped_headers
stamps taskset time_limit timelimit utc argsrepr kwargsrepr
"""
"""Names of Celery's `Context`."""


def test_every_name_of_the_request(celery):
    @celery.task(bind=True)
    def task(self, x):
        request = self.request
        unknown = [name for name in ASKED.split() if not hasattr(request, name)]
        return [
            unknown, request.id, request.args, request.root_id, request.correlation_id, request.time_limit,
            request.soft_time_limit, list(request.timelimit), request.delivery_info["routing_key"], request.shadow,
            request.argsrepr, request.utc, request.get("nothing", 3),
        ]  # fmt: skip

    sent = task.apply_async((1,), time_limit=9, soft_time_limit=8, shadow="s", argsrepr="hidden")
    told = get(celery, sent)
    assert told[:5] == [[], sent.id, [1], sent.id, sent.id]
    assert told[5:] == [9, 8, [9, 8], "celery", "s", "hidden", True, 3]


def test_arguments_are_not_checked_where_the_app_says_so(database_url):
    with Celery("loose", broker=database_url, strict_typing=False, set_as_current=False) as loose:
        task = loose.task(name="one")(lambda x: x)
        strict = loose.task(name="two", typing=True)(lambda x: x)
        result = task.delay(1, 2)
        with pytest.raises(TypeError):
            strict.delay(1, 2)
        drain(loose)
        with pytest.raises(TypeError):
            result.get(timeout=PATIENCE)


def test_a_task_that_is_registered_twice(celery):
    def one():
        return 1

    assert celery.task(one) is celery.task(one)
    with pytest.raises(exceptions.AlreadyRegistered, match="two tasks are named 'mine'"):
        [celery.task(name="mine")(function) for function in (one, lambda: 2)]


EXCEPTIONS = """
CeleryWarning AlwaysEagerIgnored DuplicateNodenameWarning DuplicateTaskNameWarning FixupWarning
NotConfigured SecurityWarning CeleryError ImproperlyConfigured SecurityError OperationalError
TaskPredicate Ignore Reject Retry TaskError QueueNotFound IncompleteStream NotRegistered
AlreadyRegistered TimeoutError MaxRetriesExceededError TaskRevokedError InvalidTaskError ChordError
BackendError BackendGetMetaError BackendStoreError SoftTimeLimitExceeded TimeLimitExceeded
WorkerLostError Terminated CPendingDeprecationWarning CDeprecationWarning WorkerShutdown
WorkerTerminate CeleryCommandException
"""


def test_every_name_of_celerys_exceptions():
    assert [name for name in EXCEPTIONS.split() if not isinstance(getattr(exceptions, name, None), type)] == []


def test_a_state_that_is_stored_through_the_backend(celery):
    begun, go = threading.Event(), threading.Event()

    @celery.task(bind=True)
    def task(self):
        self.backend.store_result(self.request.id, {"at": 1}, "UPLOADING")
        begun.set()
        go.wait(PATIENCE)
        return "done"

    result = task.delay()
    assert celery.backend.store_result(result.id, None, "SENT") is None
    assert result.state == "PENDING", "it does not run yet"
    with working(celery, "celery"):
        assert begun.wait(PATIENCE)
        assert (result.state, result.info) == ("UPLOADING", {"at": 1})
        celery.backend.store_result(result.id, {"at": 2}, "UNPACKING", traceback=None, request=None)
        assert (celery.backend.get_state(result.id), result.info) == ("UNPACKING", {"at": 2})
        go.set()
        assert result.get(timeout=PATIENCE) == "done"
    celery.backend.store_result(result.id, None, "PROGRESS")
    celery.backend.store_result("nobody-sent-it", None, "PROGRESS")
    assert (celery.AsyncResult(result.id).state, celery.AsyncResult("nobody-sent-it").state) == ("SUCCESS", "PENDING")
    with pytest.raises(exceptions.TaskError, match="use a string"):
        celery.backend.store_result(result.id, None, 3)


def test_a_running_job_is_pending_unless_started_is_asked_for(celery, database_url):
    begun, go = threading.Semaphore(0), threading.Event()

    def task(self):
        if not self.request.retries and self.name == "again":
            raise self.retry(countdown=0)
        begun.release()
        go.wait(PATIENCE)

    made = [celery.task(task, name=name, bind=True) for name in ("usual", "again")]
    made += [celery.task(task, name=f"{said}", bind=True, track_started=said) for said in (True, False)]
    made.append(celery.task(base=type("Base", (Task,), {"track_started": True}), name="base", bind=True)(task))
    plain = SQLQueue("plain", broker=database_url)
    with working(celery, "celery", concurrency=5):
        results = [one.delay() for one in made]
        assert all(begun.acquire(timeout=PATIENCE) for _ in results)
        assert [one.state for one in results] == ["PENDING", "RETRY", "STARTED", "PENDING", "STARTED"]
        celery.conf.task_track_started = True
        assert [one.status for one in results] == ["STARTED", "STARTED", "STARTED", "PENDING", "STARTED"]
        assert celery.backend.get_state(results[0].id) == "STARTED"
        assert {plain.AsyncResult(one.id).state for one in results} == {"STARTED"}
        assert {row(celery, one).job.state for one in results} == {"running"}
        go.set()
        assert [one.get(timeout=PATIENCE) for one in results] == [None] * 5
    assert {one.state for one in results} == {"SUCCESS"}
    plain.close()

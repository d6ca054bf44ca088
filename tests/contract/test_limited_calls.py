"""What calls, tasks and settings say of limits of the whole fleet, and what the job's row says of it."""

import pytest

from sqlqueue import SQLQueue, group
from sqlqueue.errors import ConfigError, EnqueueError
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def limits_of(row, result):
    return row(result)["limits"]


def test_a_job_says_what_its_task_says(app, row):
    @app.task(concurrency_limit=5, fleet_rate_limit="10/m")
    def sync():
        """Do nothing."""

    assert limits_of(row, sync.delay()) == f"5,10/m task:{sync.name}"
    assert limits_of(row, sync.apply_async(concurrency_key="acme")) == "5,10/m key:acme"
    assert limits_of(row, sync.apply_async(concurrency_limit=2)) == f"2,10/m task:{sync.name}"
    assert limits_of(row, sync.apply_async(fleet_rate_limit=3)) == f"5,3/s task:{sync.name}"


def test_a_key_may_come_from_the_arguments(app, row):
    @app.task(concurrency_key=lambda customer, **_: customer and f"customer-{customer}", bind=True)
    def bill(self, customer, amount=0):
        """Do nothing."""

    assert limits_of(row, bill.delay("acme", amount=3)) == "1 key:customer-acme"
    assert limits_of(row, bill.delay("")) is None
    first, second = bill.send_many([("acme",), ("dingo",)])
    assert (limits_of(row, first), limits_of(row, second)) == ("1 key:customer-acme", "1 key:customer-dingo")
    first, second = group(bill.s("acme"), bill.s("dingo"))()
    assert (limits_of(row, first), limits_of(row, second)) == ("1 key:customer-acme", "1 key:customer-dingo")


def test_a_plain_job_says_nothing(app, row):
    @app.task
    def plain():
        """Do nothing."""

    assert limits_of(row, plain.delay()) is None
    assert limits_of(row, plain.s().set(concurrency_key="acme").apply_async()) == "1 key:acme"


def test_settings_say_which_tasks_are_limited(app, row):
    @app.task
    def plain():
        """Do nothing."""

    app.conf.fleet_limits = {f"task:{plain.name}": "10/m"}
    assert limits_of(row, plain.delay()) == f"- task:{plain.name}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency_key": ""}, "concurrency_key is ''"),
        ({"concurrency_key": "a\nb"}, "printable characters"),
        ({"concurrency_key": 7}, "concurrency_key is 7"),
        ({"concurrency_limit": 0}, "concurrency_limit is 0: use how many jobs at a time"),
        ({"concurrency_limit": True}, "concurrency_limit is True"),
        ({"fleet_rate_limit": "often"}, "fleet_rate_limit is 'often': use a whole number a second"),
        ({"fleet_rate_limit": 0}, "fleet_rate_limit is 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(app, options, words):
    @app.task
    def plain():
        """Do nothing."""

    with pytest.raises(EnqueueError, match=words):
        plain.apply_async(**options)


def test_a_task_that_cannot_be_is_refused_when_it_is_made(app):
    with pytest.raises(ConfigError, match="concurrency_limit is -1"):
        app.task(concurrency_limit=-1)(lambda: None)


@pytest.mark.parametrize("limits", ["5", {"mail": 5}, {"queue:mail": "often"}, {"queue:mail": True}])
def test_settings_that_cannot_be_are_refused(app, limits):
    with pytest.raises(ConfigError, match=r"fleet_limits is|no name of a limit|the limit of queue:mail is"):
        app.conf.fleet_limits = limits


def test_draining_runs_limited_jobs_too(app):
    @app.task(concurrency_limit=1)
    def add(x, y):
        return x + y

    results = [add.delay(n, n) for n in range(3)]
    assert len(drain(app)) == 3
    assert [result.get(timeout=1) for result in results] == [0, 2, 4]

"""What Celery's testing guide does with its fixtures, and with the calls that they make."""

import os
import subprocess
import sys

import pytest

from sqlqueue import EnqueueError
from sqlqueue.testing.drain import drain

PATIENCE = 30


def test_tasks_made_after_their_worker(celery, worker):
    @celery.task
    def mul(x, y):
        return x * y

    assert mul.delay(4, 4).get(timeout=PATIENCE) == 16

    @celery.task
    def half(x):
        return x / 2

    worker.reload()
    assert half.delay(4).get(timeout=PATIENCE) == 2


GUIDE = """
import os
import pytest


@pytest.fixture(scope="session")
def celery_config():
    return {"broker_url": os.environ["SHOP_DATABASE"]}


def test_create_task(celery_app, celery_worker):
    @celery_app.task
    def mul(x, y):
        return x * y

    celery_worker.reload()
    assert mul.delay(4, 4).get(timeout=30) == 16


def test_without_reload(celery_session_app, celery_session_worker):
    @celery_session_app.task
    def add(x, y):
        return x + y

    assert add.delay(4, 4).get(timeout=30) == 8


@pytest.mark.celery(result_extended=True, task_default_queue="mail")
def test_a_mark(celery_app):
    assert (celery_app.conf.result_extended, celery_app.conf.task_default_queue) == (True, "mail")
"""


def test_the_guides_own_tests(tmp_path, database_url):
    (tmp_path / "test_guide.py").write_text(GUIDE)
    words = ["-q", "-p", "no:cacheprovider", "-p", "sqlqueue.celery.contrib.pytest", "--strict-markers", "-W", "error"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "test_guide.py"], cwd=tmp_path, capture_output=True, text=True,
        check=False, env=os.environ | {"SHOP_DATABASE": database_url},
    )  # fmt: skip
    assert "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "instead"), [("chain", "a chain is made as a whole"), ("chord", "self.add_to_chord")])
def test_what_follows_on_a_job_is_no_option_of_it(celery, add, name, instead):
    for call in (add.apply_async, add.apply):
        with pytest.raises(EnqueueError, match=f"the option {name} is not here: .*{instead}"):
            call((1, 1), **{name: [add.s(5)]})
    with pytest.raises(EnqueueError, match=f"the option {name} is not here"):
        add.s(1, 1).set(**{name: [add.s(5)]}).apply_async()
    sent = add.apply_async((1, 1), **{name: None})
    drain(celery)
    assert sent.get(timeout=PATIENCE) == 2

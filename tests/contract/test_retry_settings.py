"""What ``self.retry()`` changes is checked by the settings of the app; what it does not change stays as it is."""

import pytest

from sqlqueue import EnqueueError, SQLQueue
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


def retrying(app, *args, **changes):
    @app.task(bind=True, name="again", max_retries=1)
    def again(self, *given):
        self.retry(*args, countdown=0, **changes)

    return again


def test_the_settings_check_it_and_change_nothing_else(app, row):
    app.conf.update(
        task_queue_max_priority=5, task_queues=["default", "mail"], task_create_missing_queues=False,
        task_serializer="yaml", accept_content=["yaml"], task_default_queue="default", task_ignore_result=True,
        task_routes={"again": "elsewhere"}, task_compression="gzip",
    )  # fmt: skip
    result = retrying(app, (3,), queue="mail", priority=9).apply_async(("x",), serializer="json", queue="default")
    drain(app, ["default"])
    found = row(result)
    assert found["args"] in ("[3]", [3]), "as the job was written, not as the settings say"
    assert (found["queue"], found["priority"]) == ("mail", 5)
    app.conf.task_ignore_result = False
    wrong = retrying(app, queue="post").apply_async(queue="default")
    drain(app, ["default"])
    with pytest.raises(EnqueueError, match="post"):
        wrong.get(timeout=30)

"""``task_always_eager``: where what runs here and now differs from the queue, and where it must not."""

import asyncio
import re
import warnings

import pytest

from sqlqueue import AlwaysEagerIgnored, SQLQueue, chain, group
from sqlqueue.testing.drain import drain

PATIENCE = 30


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    app.task(name="add")(lambda x, y=0: x + y)
    app.task(name="total")(sum)
    yield app
    app.close()


@pytest.fixture
def add(app):
    return app.tasks["add"]


def line(result):
    """What a handle and those before it have become, the last first; of a group all members, in a list."""
    found = []
    while result is not None:
        results = getattr(result, "results", None)
        found.append(result.get(timeout=PATIENCE) if results is None else [line(one) for one in results])
        result = result.parent
    return found


@pytest.mark.parametrize(
    "shape",
    [
        lambda add, total: chain(add.s(1, 1), add.s(2), add.s(3)),
        lambda add, total: add.s(1) | group(add.s(1), add.s(2)),
        lambda add, total: add.s(1) | group(add.s(1), add.s(2) | add.s(3)) | total.s() | add.s(1),
    ],
    ids=["a chain", "a group at its end", "a chord in it"],
)
def test_what_came_before_a_step(app, add, shape):
    sig = shape(add, app.tasks["total"])
    sent = sig.delay()
    drain(app)
    app.conf.task_always_eager = True
    assert line(sig.delay()) == line(sent)
    assert line(sig.apply()) == line(sent)


def test_a_call_has_nothing_before_it(app, add):
    app.conf.task_always_eager = True
    assert add.delay(1).parent is None
    first = chain(add.s(1), add.s(1)).delay().parent
    assert (first.get(), first.parent) == (1, None)
    assert line(chain(add.si(number) for number in range(1200)).delay()) == list(range(1199, -1, -1))


def test_a_coroutine_task_is_called_in_a_running_loop(app):
    app.conf.task_always_eager = True

    @app.task(bind=True, max_retries=1)
    async def read(self, x):
        await asyncio.sleep(0)
        if not self.request.retries:
            raise self.retry(countdown=0)
        if x == "no":
            raise ValueError(x)
        return [x, self.request.retries, self.request.is_eager]

    async def view():
        assert read.apply(("yes",)).get() == ["yes", 1, True]
        assert (await read.adelay("yes")).get() == ["yes", 1, True]
        with pytest.raises(ValueError, match="no"):
            read.delay("no").get()
        return read.delay("yes").get()

    assert asyncio.run(view()) == ["yes", 1, True]
    assert read.delay("yes").get() == ["yes", 1, True]


def test_a_call_by_name_is_sent_and_says_so(app, add):
    app.conf.task_always_eager = True
    said = re.escape("task_always_eager has no effect on send_task: the job is sent")
    with pytest.warns(AlwaysEagerIgnored, match=said) as heard:
        sent = app.send_task("add", (1, 2))
    assert [one.filename for one in heard] == [__file__]

    async def view():
        with pytest.warns(AlwaysEagerIgnored, match=said):
            return await app.asend_task("add", (3, 4))

    awaited = asyncio.run(view())
    assert len(drain(app)) == 2
    assert (sent.get(timeout=PATIENCE), awaited.get(timeout=PATIENCE)) == (3, 7)
    app.conf.task_always_eager = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app.send_task("add", (1, 2))

"""Keys that a task says for all its calls, in every way that there is to send them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sqlqueue import EnqueueError, NotUnique, SQLQueue, chain, group
from sqlqueue.errors import ConfigError
from sqlqueue.testing.drain import drain
from tests.support.callers import CALLERS, awaited
from tests.support.keys import waiting


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, task_default_queue="testq")
    yield app
    app.close()


@pytest.fixture
def sync(app):
    @app.task(name="shop.sync", unique_key="sync:{user}")
    def sync(user, full=False):
        return user

    return sync


def test_every_call_has_the_key_that_its_arguments_make(app, sync):
    first = sync.delay(1)
    assert sync.delay(1, full=True) == first
    assert sync.delay(user=1) == first
    assert sync.apply_async((1,)) == first
    assert app.send_task("shop.sync", (1,)) == first
    assert sync.s(1).delay() == first, "a signature by itself is a call"
    assert sync.delay(2) != first
    assert waiting(app) == [("sync:1", "[1]"), ("sync:2", "[2]")]
    drain(app)
    assert sync.delay(1) != first


@awaited
async def test_and_so_has_every_call_that_is_awaited(database_url):
    app = SQLQueue("shop", broker=database_url)
    task = app.task(name="shop.sync", unique_key="sync:{user}")(lambda user: user)
    try:
        first = await task.adelay(1)
        assert await task.aapply_async((1,)) == first
        assert await task.s(1).adelay() == first
        assert await task.asend_many([(1,), (2,)]) == [first, await task.adelay(2)]
        assert waiting(app) == [("sync:1", "[1]"), ("sync:2", "[2]")]
    finally:
        app.close()


def test_what_a_call_says_is_before_what_the_task_says(app):
    @app.task(unique_key="k:{x}", on_conflict="raise", unique_for=60)
    def task(x):
        """Do nothing."""

    first = task.delay(1)
    with pytest.raises(NotUnique, match="'k:1'"):
        task.delay(1)
    assert task.apply_async((1,), on_conflict="ignore") == first
    assert task.apply_async((2,), on_conflict="ignore", unique_key="k:1") == first
    assert task.apply_async((1,), unique_key="{x}") != first, "a call's own key is taken as it is"
    drain(app)
    with pytest.raises(NotUnique):
        task.delay(1)  # the window is open for a minute
    assert waiting(app) == []


def test_after_a_key_that_was_taken_other_calls_are_sent(app):
    task = app.task(name="task", unique_key="k", on_conflict="raise")(lambda: None)
    plain = app.task(name="plain")(lambda: None)
    plain.delay()
    task.delay()
    for _ in range(2):
        with pytest.raises(NotUnique):
            task.delay()
        plain.delay()
    assert len(waiting(app)) == 4


def test_a_function_may_make_the_key_or_say_that_there_is_none(app):
    @app.task(unique_key=lambda x, y=0: f"{x}-{y}" if x else None, bind=True)
    def task(self, x, y=0):
        """Do nothing."""

    assert task.delay(1, y=2) == task.delay(1, 2)
    assert task.delay(0) != task.delay(0)
    assert [key for key, _ in waiting(app)] == ["1-2", None, None]
    assert task.apply_async((0,), task_id="mine").id == "mine"


def test_many_calls_each_have_their_key(app, sync):
    before = sync.delay(3)
    found = sync.send_many([(2,), {"user": 1}, (3, True), (2, True)])
    assert found[3] == found[0]
    assert found[2] == before
    assert sorted(waiting(app)) == [("sync:1", "[]"), ("sync:2", "[2]"), ("sync:3", "[3]")]
    again = sync.send_many([(2, True), (9,)], on_conflict="replace")
    assert again[0] == found[0]
    assert sorted(waiting(app)) == [
        ("sync:1", "[]"),
        ("sync:2", "[2,true]"),
        ("sync:3", "[3]"),
        ("sync:9", "[9]"),
    ]
    drain(app)
    assert [one.get(timeout=30) for one in (*found, *again)] == [2, 1, 3, 2, 2, 9]


def test_many_calls_with_and_without_a_key(app):
    @app.task(unique_key=lambda x: x or None)
    def task(x):
        """Do nothing."""

    found = task.send_many([("",), ("b",), ("",), ("a",), ("b",)])
    assert found[1] == found[4]
    assert len({one.id for one in found}) == 4
    assert sorted(key or "" for key, _ in waiting(app)) == ["", "", "a", "b"]
    assert task.send_many([]) == []


def test_many_calls_of_a_task_that_says_none_may_have_keys(app):
    @app.task
    def task(x, y=5):
        """Do nothing."""

    first, second = task.send_many([(1,), (2,)], unique_key="{x}/{y}")
    assert [key for key, _ in waiting(app)] == ["1/5", "2/5"]
    assert task.send_many([(2,)], unique_key=lambda x: f"{x}/5") == [second]
    assert first != second


@pytest.mark.parametrize("kind", CALLERS)
def test_in_the_callers_transaction(request, kind):
    url = request.getfixturevalue(f"{kind.partition('-')[0]}_url")
    app = SQLQueue("shop", broker=url, task_default_queue="testq")
    task = app.task(name="shop.sync", unique_key="sync:{user}")(lambda user: user)

    @awaited
    async def scenario():
        async with CALLERS[kind](url) as caller:
            if caller.is_async:
                found = await task.asend_many([(2,), (1,), (2,)], session=caller.given)
                again = await task.s(1).aapply_async(session=caller.given)
            else:
                found = task.send_many([(2,), (1,), (2,)], session=caller.given)
                again = task.s(1).apply_async(session=caller.given)
            assert found[0] == found[2]
            assert again == found[1]
            assert waiting(app) == []
            await caller.commit()
            assert waiting(app) == [("sync:1", "[1]"), ("sync:2", "[2]")]

    try:
        scenario()
    finally:
        app.close()


def test_of_many_senders_of_the_same_keys_none_waits_in_a_circle(app, sync):
    """One sends them forwards and one backwards: in the order of the calls they would lock each other out."""
    ready = threading.Barrier(4)

    def sender(number):
        calls = [(user,) for user in range(20)]
        ready.wait(20)
        return [sync.send_many(calls[:: -1 if number % 2 else 1], on_conflict="replace") for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        sent = [one for turns in pool.map(sender, range(4)) for turn in turns for one in turn]
    assert len({one.id for one in sent}) == 20
    assert len(waiting(app)) == 20


@pytest.mark.parametrize(
    "flow",
    [
        lambda sync: chain(sync.s(1), sync.si(2)),
        lambda sync: group(sync.s(1), sync.s(2)),
        lambda sync: group(sync.s(1)),
        lambda sync: sync.s(1).set(link=sync.si(2)),
    ],
    ids=["chain", "group", "group-of-one", "link"],
)
def test_no_job_of_a_workflow_has_a_key(app, sync, flow):
    with pytest.raises(EnqueueError, match=r"shop\.sync has a unique_key, which no job of a workflow"):
        flow(sync).apply_async()
    assert waiting(app) == []


def test_nor_has_one_that_takes_the_place_of_another(app, sync):
    @app.task(bind=True)
    def task(self):
        self.replace(sync.s(1))

    result = task.delay()
    drain(app)
    with pytest.raises(EnqueueError, match="no job of a workflow"):
        result.get(timeout=30)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"unique_key": "{usr}"}, "did you mean 'user'"),
        ({"unique_key": "{}"}, "no parameter ''"),
        ({"unique_key": "{user"}, "write {{ and }}"),
        ({"unique_key": 7}, "unique_key is 7"),
        ({"unique_for": 60}, "need unique_key"),
        ({"unique_key": "k", "on_conflict": "rase"}, "use one of ignore, replace, raise"),
        ({"unique_key": "k", "unique_for": 0}, "unique_for is 0"),
        ({"unique_key": "k", "unique_for": 1e15}, "at most a hundred years"),
    ],
)
def test_what_a_task_cannot_say(app, options, said):
    with pytest.raises(ConfigError, match=said):
        app.task(**options)(lambda user: user)


@pytest.mark.parametrize(
    ("text", "args", "options", "said"),
    [
        ("{user.name}", (1,), {}, "cannot be made of the call's arguments.*no attribute 'name'"),
        ("{user}", ("",), {}, "unique_key is ''"),
        ("{user}", ("a\nb",), {}, "printable characters"),
        ("{user}", (1,), {"task_id": "x"}, "not both"),
    ],
)
def test_calls_that_make_no_key(app, text, args, options, said):
    task = app.task(unique_key=text)(lambda user: user)
    with pytest.raises(EnqueueError, match=said):
        task.apply_async(args, **options)
    assert waiting(app) == []


def test_a_key_of_whatever_is_given(app):
    @app.task(unique_key="{x[id]}-{more}")
    def task(x, **named):
        """Do nothing."""

    task.delay({"id": 3}, more="m")
    assert [key for key, _ in waiting(app)] == ["3-m"]

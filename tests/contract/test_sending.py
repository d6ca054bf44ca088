"""send_many and unique_key as a user calls them, on every kind of connection and on our own."""

import pytest

from sqlqueue import EncodingError, EnqueueError, NotUnique, SignatureMismatch, SQLQueue
from sqlqueue.errors import ConfigError
from tests.support.callers import CALLERS, awaited


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, task_default_queue="testq")
    yield app
    app.close()


@pytest.fixture
def add(app):
    @app.task(name="shop.add")
    def add(x: int, y: int = 1) -> int:
        return x + y

    return add


def jobs(app):
    """Return the arguments of the jobs that are there, in order."""
    listed = app.store.read(_all_jobs)
    return [(args, kwargs) for args, kwargs in listed]


def _all_jobs(dialect):
    from sqlqueue.store.operation import Statement, ask

    rows = yield from ask(
        Statement("SELECT CAST(args AS text), CAST(kwargs AS text) FROM sqlqueue_jobs ORDER BY seq, run_at")
    )
    return rows


def test_many_jobs_in_the_order_of_their_calls(app, add):
    results = add.send_many([(1, 2), [3], {"x": 5, "y": 6}], priority=3)
    assert jobs(app) == [("[1,2]", "{}"), ("[3]", "{}"), ("[]", '{"x":5,"y":6}')]
    assert [result.state for result in results] == ["PENDING"] * 3
    assert len({result.id for result in results}) == 3


def test_more_jobs_than_one_statement_takes(app, add):
    results = add.send_many((n, n) for n in range(12_001))
    assert [args for args, _ in jobs(app)] == [f"[{n},{n}]" for n in range(12_001)]
    assert len({result.id for result in results}) == 12_001


def test_no_jobs_at_all(app, add):
    assert add.send_many([]) == []
    assert jobs(app) == []


@pytest.mark.parametrize(
    ("calls", "options", "error", "said"),
    [
        ([(1,), (1, 2, 3)], {}, SignatureMismatch, "too many positional"),
        ([(1,), (object(),)], {}, EncodingError, r"args\[0\]"),
        ([(1,), "12"], {}, EnqueueError, "a tuple of its positional"),
        ([(1,)], {"task_id": "x"}, EnqueueError, "no option task_id"),
        ([(1,), (2,), (1,)], {"unique_key": "{x}", "on_conflict": "raise"}, EnqueueError, r"calls\[0\] and calls\[2\]"),
        ([(1,), (2,)], {"unique_key": "{x}\n"}, EnqueueError, r"unique_key is '1\\n'"),
        ([(1,)], {"unique_key": "{z}"}, ConfigError, "no parameter 'z'"),
    ],
)
def test_one_bad_call_and_none_is_sent(app, add, calls, options, error, said):
    with pytest.raises(error, match=said):
        add.send_many(calls, **options)
    assert jobs(app) == []


@pytest.mark.parametrize("kind", CALLERS)
def test_in_the_callers_transaction(request, kind):
    url = request.getfixturevalue(f"{kind.partition('-')[0]}_url")
    app = SQLQueue("shop", broker=url, task_default_queue="testq")
    task = app.task(name="shop.add")(lambda x, y=1: x + y)

    @awaited
    async def scenario():
        async with CALLERS[kind](url) as caller:
            options = {"session": caller.given}
            unique = {**options, "unique_key": "one"}
            if caller.is_async:
                await task.asend_many([(1,), (2,)], **options)
                first = await task.aapply_async((3,), **unique)
                again = await task.aapply_async((4,), **unique)
                with pytest.raises(NotUnique) as raised:
                    await task.aapply_async((5,), **unique, on_conflict="raise")
            else:
                task.send_many([(1,), (2,)], **options)
                first = task.apply_async((3,), **unique)
                again = task.apply_async((4,), **unique)
                with pytest.raises(NotUnique) as raised:
                    task.apply_async((5,), **unique, on_conflict="raise")
            assert again == first
            assert raised.value.job_id == first.id
            assert jobs(app) == []
            await caller.commit()
            assert [args for args, _ in jobs(app)] == ["[1]", "[2]", "[3]"]

    try:
        scenario()
    finally:
        app.close()


def test_a_call_whose_key_is_taken(app, add):
    first = add.apply_async((1,), unique_key="k", countdown=60)
    assert add.apply_async((2,), unique_key="k") == first
    with pytest.raises(NotUnique, match=f"job {first.id} has the unique_key 'k'"):
        add.apply_async((2,), unique_key="k", on_conflict="raise")
    assert jobs(app) == [("[1]", "{}")]
    assert add.apply_async((3,), unique_key="k", on_conflict="replace") == first
    assert jobs(app) == [("[3]", "{}")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"unique_for": 3.0}, "need unique_key"),
        ({"on_conflict": "ignore"}, "need unique_key"),
        ({"unique_key": ""}, "unique_key is ''"),
        ({"unique_key": 7}, "unique_key is 7"),
        ({"unique_key": "k", "unique_for": 0}, "unique_for is 0"),
        ({"unique_key": "k", "unique_for": float("nan")}, "unique_for is nan"),
        ({"unique_key": "k", "on_conflict": "rase"}, "use one of ignore, replace, raise"),
        ({"unique_key": "k", "task_id": "x"}, "not both"),
    ],
)
def test_keys_that_cannot_be(app, add, options, said):
    with pytest.raises(EnqueueError, match=said):
        add.apply_async((1,), **options)
    assert jobs(app) == []

"""Arguments and results in other forms than JSON: they come back, or are refused, and the columns stay JSON."""

import enum
import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from click.testing import CliRunner

from sqlqueue import ConfigError, EncodingError, SQLQueue, chain, chord, register_serializer
from sqlqueue.cli import main
from sqlqueue.domain.which import Which
from sqlqueue.testing.drain import drain

PATIENCE = 30
TYPED = {
    "when": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "id": UUID(int=7),
    "price": Decimal("1.50"),
    "raw": b"\x00\xff",
    "some": {1, 2},
    "text": "grün\n\u2028x",
    "nested": [{"$dict": 1}, {"$uuid": "no"}, None, True, 1.5],
}
BROKEN = "a value that yaml has written cannot be read"


def echo(*args, **kwargs):
    return [list(args), kwargs]


def done(app, result):
    drain(app)
    return result.get(timeout=PATIENCE)


@pytest.fixture
def make(database_url):
    made = []

    def make(**settings):
        made.append(SQLQueue("shop", broker=database_url, **settings))
        return made[-1]

    yield make
    for app in made:
        app.close()


@pytest.mark.parametrize("name", ["json", "yaml", "msgpack", "pickle"])
def test_typed_values_come_back(make, row, name):
    app = make(accept_content=["json", name], task_serializer=name, result_serializer=name)
    result = app.task(echo).delay(TYPED, None, 5, **TYPED)
    found = row(result)
    args, kwargs = (json.loads(one) if isinstance(one, str) else one for one in (found["args"], found["kwargs"]))
    assert isinstance(args, list)
    assert kwargs.keys() == TYPED.keys()
    assert args[1] is None
    assert (result.args, result.kwargs) == ([TYPED, None, 5], TYPED)
    assert done(app, result) == [[TYPED, None, 5], TYPED]


def test_what_only_pickle_can_hold(make):
    app = make(accept_content=["pickle"], result_serializer="pickle")
    task = app.task(echo, serializer="pickle")
    assert done(app, task.delay(Fraction(1, 3), (1, 2), key={1: Fraction(1)})) == [
        [Fraction(1, 3), (1, 2)],
        {"key": {1: Fraction(1)}},
    ]


def test_a_worker_that_does_not_accept_it_fails_the_job_and_no_other(make):
    sender, app = make(), make()
    sender.task(echo, name="echo")
    app.task(echo, name="echo")
    refused = sender.send_task("echo", (Fraction(1, 3),), serializer="pickle")
    after = sender.send_task("echo", (1,))
    drain(app)
    with pytest.raises(EncodingError, match="written by pickle, which accept_content does not list: add 'pickle'"):
        refused.get(timeout=PATIENCE)
    assert after.get(timeout=PATIENCE) == [[1], {}]
    with pytest.raises(EncodingError, match="accept_content does not list"):
        refused.args  # noqa: B018 - the sender's own settings count for what it reads


def test_a_caller_that_does_not_accept_a_result_is_told(make):
    worker, caller = (
        make(result_serializer="pickle"),
        make(accept_content=["json", "pickle"], result_accept_content=["yaml"]),
    )
    worker.task(echo, name="echo")
    result = caller.send_task("echo", (1,))
    drain(worker)
    with pytest.raises(EncodingError, match="result_accept_content does not list"):
        result.get(timeout=PATIENCE)
    caller.conf.result_accept_content = None
    assert result.get(timeout=PATIENCE) == [[1], {}]


def test_the_call_wins_over_the_task_and_that_over_the_settings(make, row):
    app = make(task_serializer="yaml", accept_content=["yaml", "msgpack", "pickle"])
    plain, mine = app.task(echo, name="plain"), app.task(echo, name="mine", serializer="msgpack")

    def form(result):
        text = row(result)["args"]
        args = json.loads(text) if isinstance(text, str) else text
        return args[0]["$encoded"]["content_type"].removeprefix("application/x-") if args[0] != 1 else "json"

    assert form(plain.delay(1)) == "yaml"
    assert form(mine.delay(1)) == "msgpack"
    assert form(mine.apply_async((1,), serializer="json")) == "json"
    assert [form(one) for one in mine.send_many([(1,), (1,)], serializer="pickle")] == ["python-serialize"] * 2
    assert [form(one) for one in plain.send_many([(1,), (1,)])] == ["yaml"] * 2
    app.conf.task_routes = {"plain": {"queue": "default", "serializer": "json"}}
    assert [form(one) for one in plain.send_many([(1,), (1,)])] == ["json"] * 2
    assert len(drain(app)) == 9


def test_a_name_that_there_is_not(make):
    app = make(task_serializer="jsn")
    with pytest.raises(ConfigError, match="no serializer 'jsn': did you mean 'json'"):
        app.task(echo).delay(1)
    with pytest.raises(ConfigError, match="no serializer 'pickel': did you mean 'pickle'"):
        app.task(echo).apply_async((1,), serializer="pickel")
    assert app.jobs.find(Which()) == []


def test_what_a_form_cannot_hold_names_the_argument(make):
    task = make().task(echo)
    with pytest.raises(EncodingError, match=r"args\[1\]\.x\[0\] is of type object, which cannot be stored"):
        task.apply_async((1, {"x": [object()]}), serializer="yaml")
    with pytest.raises(EncodingError, match=r"kwargs\.n cannot be written as msgpack: an integer of more than 64 bits"):
        task.apply_async(kwargs={"n": 1 << 70}, serializer="msgpack")
    with pytest.raises(EncodingError, match=r"args\[0\] cannot be written as pickle"):
        task.apply_async((lambda: 0,), serializer="pickle")


class Kind(enum.StrEnum):
    BIG = "big"


@pytest.mark.parametrize("name", ["yaml", "msgpack"])
def test_keys_that_can_be_read_again(make, name):
    app = make(accept_content=[name])
    echo = app.task(name="echo", serializer=name)(lambda x: x == {"big": 1, 2: 3})
    result = echo.delay({Kind.BIG: 1, 2: 3})
    drain(app)
    assert result.get(timeout=30) is True
    with pytest.raises(EncodingError, match=r"args\[0\] has the key \(1, 2\) of type tuple, which could not be read"):
        echo.delay({(1, 2): 3})


def test_a_workflow_of_several_forms(make):
    app = make(accept_content=["yaml", "msgpack", "pickle"], result_serializer="msgpack")

    @app.task
    def add(x, y=0, *more):
        return x + y + sum(more)

    @app.task
    def total(values, extra):
        return sum(values) + extra

    first = chain(add.s(1, 2).set(serializer="yaml"), add.s(3).set(serializer="pickle"), add.s(4))
    assert done(app, first.delay()) == 10
    both = chord([add.s(1, 1), add.s(2, 2).set(serializer="pickle")], total.s(Fraction(1)).set(serializer="pickle"))
    app.conf.result_serializer = "pickle"
    assert done(app, both.delay()) == 7


def test_another_try_keeps_the_form(make):
    app = make(accept_content=["pickle"], result_serializer="pickle")

    @app.task(bind=True)
    def halve(self, x):
        if x > Fraction(1, 4):
            self.retry((x / 2,), countdown=0)
        return x, self.request.args

    result = halve.apply_async((Fraction(1),), serializer="pickle")
    assert done(app, result) == (Fraction(1, 4), [Fraction(1, 4)])


def test_exceptions_keep_what_the_form_holds(make):
    @(app := make(accept_content=["pickle"], result_serializer="pickle")).task
    def fail():
        raise ValueError("no", Fraction(1, 3))

    result = fail.delay()
    drain(app)
    with pytest.raises(ValueError, match="no") as caught:
        result.get(timeout=PATIENCE)
    assert caught.value.args == ("no", Fraction(1, 3))
    assert isinstance(app.jobs.show(result.id).job.error, str)
    other = make()
    with pytest.raises(Exception, match=r"ValueError.*Fraction") as stand_in:
        other.AsyncResult(result.id).get(timeout=PATIENCE)
    assert type(stand_in.value).__name__ == "TaskFailed", "what may not be read leaves the stand-in"


def test_data_that_looks_encoded_is_data(make):
    app = make(accept_content=["pickle", "yaml"])
    forged = {"$encoded": {"content_type": "application/x-yaml", "content_encoding": "utf-8", "data": "x: 1"}}
    for serializer in ("json", "yaml", "pickle"):
        result = app.task(echo).apply_async((forged, [forged]), {"x": forged}, serializer=serializer)
        assert done(app, result) == [[forged, [forged]], {"x": forged}]


def test_a_serializer_of_ones_own(make, row):
    register_serializer("shout", lambda value: str(value).upper(), str.lower, "text/x-shout")
    register_serializer(
        "turned", lambda value: repr(value).encode()[::-1], lambda data: data[::-1].decode(), "x/turned"
    )
    app = make(accept_content=["shout", "x/turned"])
    task = app.task(echo, serializer="shout")
    result = task.delay("hello", name="you")
    assert "HELLO" in str(row(result)["args"])
    assert done(app, result) == [["hello"], {"name": "you"}]
    assert done(app, task.apply_async((5,), serializer="turned")) == [["5"], {}]
    with pytest.raises(ConfigError, match="there is a serializer 'json' already"):
        register_serializer("json", str, str, "text/x-other")
    with pytest.raises(ConfigError, match="there is a serializer 'x/turned' already"):
        register_serializer("other", str, str, "x/turned")
    register_serializer("broken", lambda value: value, str, "x/broken")
    with pytest.raises(EncodingError, match=r"'broken' made int of args\[0\]: return text or bytes"):
        task.apply_async((5,), serializer="broken")


def test_eager_runs_go_the_same_way(make):
    app = make(task_always_eager=True, task_serializer="pickle", result_serializer="pickle")
    task = app.task(echo)
    with pytest.raises(EncodingError, match="accept_content does not list"):
        task.delay(Fraction(1)).get()
    app.conf.accept_content = ["pickle"]
    result = task.delay(Fraction(1))
    assert (result.get(), result.args) == ([[Fraction(1)], {}], [Fraction(1)])
    assert chain(task.s(Fraction(1)), task.s(2)).delay().get() == [[[[Fraction(1)], {}], 2], {}]


def test_the_command_line_names_the_form(make, database_url):
    app = make(accept_content=["pickle"])
    result = app.task(echo, name="echo").apply_async((Fraction(1, 3),), {"x": 1}, serializer="pickle")
    other = app.tasks["echo"].apply_async(({"x": "grün"},), serializer="yaml")

    def said(*words):
        return CliRunner().invoke(main, ["-b", database_url, *words], catch_exceptions=False).output

    assert "<pickle, " in said("job", "show", result.id)
    assert "x: grün" in said("job", "show", other.id)
    assert "<pickle, " in said("list", "jobs")

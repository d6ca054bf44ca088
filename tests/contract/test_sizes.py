"""How large arguments, results and what tasks tell may be: as the settings say, wherever bytes are stored."""

import json

import pytest

from sqlqueue import ChordError, ConfigError, EncodingError, Ignore, SQLQueue, chain, chord
from sqlqueue.domain.sizes import LEAST, MOST
from sqlqueue.signals import before_task_publish
from sqlqueue.testing.drain import drain

PATIENCE = 30
MOST_SENT, MOST_KEPT = 2000, 3000
FITS, LARGE = "x" * 1500, "ä" * 1500
"""Under both limits, and above both: 3,000 bytes and its quotes."""
MESSAGE = "more than 2,000: pass a file path or a key instead, or raise the setting task_max_size"
KEPT_MESSAGE = "more than 3,000: pass a file path or a key instead, or raise the setting result_max_size"


@pytest.fixture
def app(database_url):
    app = SQLQueue(
        "shop", broker=database_url, task_max_size=MOST_SENT, result_max_size=MOST_KEPT,
        accept_content=["yaml", "msgpack", "pickle"],
    )  # fmt: skip
    yield app
    app.close()


@pytest.fixture
def echo(app):
    return app.task(lambda *args, **kwargs: [list(args), kwargs], name="shop.echo")


@pytest.fixture
def repeat(app):
    return app.task(lambda times: "x" * times, name="shop.repeat")


def test_another_try_leaves_what_it_does_not_change(app, database_url):
    """Though the worker's limit is lower than the sender's."""
    app.conf.task_max_size = 1 << 20
    task = app.task(lambda self, text: self.request.retries or self.retry(countdown=0, priority=1), name="t", bind=True)
    result = task.apply_async((LARGE,), headers={"note": LARGE}, argsrepr=LARGE)
    worker = SQLQueue("shop", broker=database_url, task_max_size=MOST_SENT)
    worker.task(name="t", bind=True)(task.function)
    drain(worker)
    assert result.get(timeout=PATIENCE) == 1
    worker.close()


def test_headers_that_a_receiver_leaves_have_the_limit_too(app, echo):
    def trace(headers, **_):
        headers["trace"] = LARGE

    before_task_publish.connect(trace)
    try:
        for options in ({}, {"unique_key": "key"}):
            with pytest.raises(EncodingError, match=r"shop.echo: headers is 3,.*(headers.trace alone 3,002)") as caught:
                echo.apply_async((1,), **options)
            assert str(caught.value).endswith(MESSAGE)
        app.conf.task_max_size = 4000
        sent = app.task(lambda self: len(self.request.headers["trace"]), name="n", bind=True).delay()
    finally:
        before_task_publish.disconnect(trace)
    drain(app)
    assert sent.get(timeout=PATIENCE) == 1500


def test_a_larger_limit_lets_more_through_and_back(app, echo, repeat):
    app.conf.update(task_max_size=5 << 18, result_max_size=10 << 18)
    large = "ä" * (9 << 16)
    sent = [
        echo.delay(large), *echo.send_many([(large,), {"x": large}]), echo.apply((large,)),
        chain(repeat.s(9 << 17), echo.s(x=large)).delay(), echo.apply_async((1,), headers={"x": large}),
    ]  # fmt: skip
    drain(app)
    got = [one.get(timeout=PATIENCE) for one in sent]
    plain, named = [[large], {}], [[], {"x": large}]
    assert got == [plain, plain, named, plain, [["x" * (9 << 17)], {"x": large}], [[1], {}]]


def test_what_is_stored_counts_in_every_form(app, echo):
    """Compressed, if it is: what protects the database must not forbid what is small in it."""
    for form, size in (("yaml", "3,"), ("msgpack", "4,"), ("pickle", "4,")):
        with pytest.raises(EncodingError, match=rf"shop.echo: args is {size}.* as {form} \(args\[1\] alone {size}"):
            echo.apply_async((1, LARGE), serializer=form)
    sent = [echo.apply_async((LARGE,), serializer=form, compression="gzip") for form in ("json", "yaml", "pickle")]
    app.conf.result_compression = "gzip"
    drain(app)
    assert [one.get(timeout=PATIENCE) for one in sent] == [[[LARGE], {}]] * 3


def test_what_nobody_would_decompress_is_not_sent(app, echo):
    with pytest.raises(EncodingError, match=r"shop.echo: args\[0\] is 67,.* as pickle before it is compressed, more"):
        echo.apply_async((bytes(MOST + 1),), serializer="pickle", compression="gzip")
    with pytest.raises(EncodingError, match=r"more than 67,108,864: pass a file path or a key instead$"):
        echo.apply_async(("x" * MOST,), compression="gzip")


KINDS = ["plain", "coroutine", "told", "retried"]
WAYS = [*((kind, way) for kind in KINDS for way in ("queue", "apply", "always_eager")), ("transactional", "queue")]


@pytest.mark.parametrize(("kind", "way"), WAYS)
def test_a_result_that_is_too_large_fails_its_job_and_says_why(app, kind, way):
    runs = []

    def task(self):
        runs.append(1)
        if kind == "told":
            self.update_state(state="SUCCESS", meta=FITS)
            self.request.told = ("SUCCESS", LARGE)
            raise Ignore
        return {"text": LARGE}

    async def atask(self):
        return task(self)

    options: dict = {"transactional": True} if kind == "transactional" else {}
    options |= {"autoretry_for": (Exception,), "default_retry_delay": 0} if kind == "retried" else {}
    found = app.task(atask if kind == "coroutine" else task, bind=True, name="shop.write", **options)
    app.conf.task_always_eager = way == "always_eager"
    result = found.apply() if way == "apply" else found.delay()
    drain(app)
    with pytest.raises(EncodingError) as caught:
        result.get(timeout=PATIENCE)
    told = str(caught.value)
    assert told.startswith("shop.write: the task's result is 3,0")
    assert told.endswith(KEPT_MESSAGE)
    assert kind == "told" or "(the task's result.text alone 3,002)" in told
    assert result.state == "FAILURE"
    assert runs == [1], "another try would give the same"


def test_a_result_that_nobody_wants_may_be_of_any_size(app):
    found = app.task(lambda: LARGE, name="shop.write", ignore_result=True)
    result = found.delay()
    drain(app)
    assert result.state == "SUCCESS"


def test_a_member_whose_result_is_too_large_fails_its_chord(app, echo, repeat):
    result = chord([repeat.s(10), repeat.s(4000)], echo.s()).delay()
    drain(app)
    with pytest.raises(ChordError, match=f"shop.repeat: the task's result is 4,002 bytes as JSON, {KEPT_MESSAGE}"):
        result.get(timeout=PATIENCE)


def test_what_the_database_puts_before_arguments_does_not_count(app, echo, repeat):
    app.conf.result_max_size = 5000
    result = chord([repeat.s(1500), repeat.s(1500)], app.task(lambda texts, more: len(texts), name="n").s(FITS)).delay()
    drain(app)
    assert result.get(timeout=PATIENCE) == 2


def test_another_try_and_a_replacement_have_the_limits_of_the_app(app, echo):
    seen = []

    @app.task(bind=True, name="shop.again", default_retry_delay=0)
    def again(self, text=""):
        if text:
            return len(text)
        for change in ({"args": (LARGE,)}, {"kwargs": {"text": LARGE}}, {"headers": {"note": LARGE}}):
            try:
                self.retry(**change)
            except EncodingError as error:
                seen.append(str(error))
        try:
            self.replace(echo.s(LARGE))
        except EncodingError as error:
            seen.append(str(error))
        app.conf.task_max_size = 4 << 20
        return self.retry(("x" * (3 << 20),))

    result = again.delay()
    drain(app)
    assert result.get(timeout=PATIENCE) == 3 << 20
    begins = ["again: args is 3,0", "again: kwargs is 3,0", "again: headers is 3,0", "echo: args is 3,0"]
    assert [one.partition("shop.")[2][: len(begin)] for one, begin in zip(seen, begins, strict=True)] == begins
    assert all(one.endswith(MESSAGE) for one in seen)
    eager = app.task(lambda self, text="": len(text) or self.retry(("x" * (3 << 20),)), bind=True, name="shop.eager")
    assert eager.apply().get() == 3 << 20


def test_what_a_task_tells_has_the_limit_of_results(app):
    seen = []

    @app.task(bind=True, name="shop.tell")
    def tell(self):
        for call in (
            lambda: self.update_state(state="HALF", meta={"text": LARGE}),
            lambda: self.progress(1, 2, "x" * 3000),
            lambda: self.progress(1, 2, "a\0b"),
        ):
            try:
                call()
            except EncodingError as error:
                seen.append(str(error))
        self.update_state(state="HALF", meta="x" * 2900)
        shown = len(app.AsyncResult(self.request.id).info)
        self.progress(1, 2, "x" * 2900)
        return shown

    result = tell.delay()
    drain(app)
    assert result.get(timeout=PATIENCE) == 2900
    assert [one.partition(" (")[0] for one in seen] == [
        "shop.tell: meta is 3,011 bytes as JSON", "shop.tell: meta is 3,033 bytes as JSON",
        "shop.tell: meta.message contains a NUL character, which the database cannot store: remove it",
    ]  # fmt: skip
    assert seen[0].endswith(KEPT_MESSAGE)


def test_a_giant_exception_is_cut_and_never_refused(app):
    @app.task(name="shop.fail")
    def fail():
        raise ValueError("ä" * 3_000_000, {"rows": ["x"] * 1_000_000})

    result = fail.delay()
    drain(app)
    with pytest.raises(ValueError, match="ää"):
        result.get(timeout=PATIENCE)
    found = app.jobs.show(result.id)
    assert len(found.job.error) < 3000
    assert len(found.exception) < 5000


def test_reading_has_no_limit_but_that_of_bombs(app, echo, database_url):
    """Another program may have written the row, and an app may lower its limit."""
    app.conf.update(task_max_size=4 << 20, result_max_size=4 << 20)
    result = echo.delay("x" * (1 << 20))
    reader = SQLQueue("shop", broker=database_url, task_max_size=LEAST, result_max_size=4 << 20)

    @reader.task(name="shop.echo")
    def measure(text):
        return len(text)

    drain(reader)
    assert reader.AsyncResult(result.id).get(timeout=PATIENCE) == 1 << 20
    reader.close()


@pytest.mark.parametrize("name", ["task_max_size", "result_max_size"])
@pytest.mark.parametrize("value", [0, 1023, MOST + 1, "1 MiB", None, True, 1e9, 2000.5])
def test_a_limit_is_a_number_that_the_databases_can_hold(name, value):
    with pytest.raises(ConfigError, match=rf"{name} is .*: use a whole number from 1024 to 67108864"):
        SQLQueue("shop", broker="sqlite:///shop.db", **{name: value})


def test_the_environment_may_give_a_limit(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_TASK_MAX_SIZE", "2000000")
    app = SQLQueue("shop", broker="sqlite:///shop.db")
    assert app.conf.task_max_size == 2_000_000
    assert json.loads(app.conf.humanize().partition("task_max_size: ")[2].partition("\n")[0]) == 2_000_000

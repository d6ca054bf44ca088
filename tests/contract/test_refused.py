"""What could never be stored is refused by the call itself, alike wherever it stands, with the task and the place."""

import pytest

from sqlqueue import EncodingError, SQLQueue, chain, chord, group
from sqlqueue.domain.which import Which
from sqlqueue.testing.drain import drain

PATIENCE = 30
LARGE = "ä" * 1500
MESSAGE = "more than 2,000: pass a file path or a key instead, or raise the setting task_max_size"


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, task_max_size=2000, accept_content=["yaml", "msgpack", "pickle"])
    yield app
    app.close()


@pytest.fixture
def echo(app):
    return app.task(lambda *args, **kwargs: [list(args), kwargs], name="shop.echo")


CALLS = {
    "delay": lambda app, echo, bad: echo.delay(1, bad),
    "by name": lambda app, echo, bad: echo.delay(text=bad),
    "send_task": lambda app, echo, bad: app.send_task("shop.echo", (1, bad)),
    "the first of many": lambda app, echo, bad: echo.send_many([(1, bad)]),
    "a later of many": lambda app, echo, bad: echo.send_many([(1,), (1,), {"text": bad}]),
    "with a key": lambda app, echo, bad: echo.apply_async((1, bad), unique_key="key"),
    "a group's member": lambda app, echo, bad: group(echo.s(0), echo.s(0), echo.s(1, bad)).delay(),
    "a chord's body": lambda app, echo, bad: chord([echo.s(0)], echo.s(1, bad)).delay(),
    "a link of a chain": lambda app, echo, bad: chain(echo.s(0), echo.s(text=bad)).delay(),
    "a callback": lambda app, echo, bad: echo.apply_async((1,), link=echo.s(1, bad)),
    "an errback": lambda app, echo, bad: echo.apply_async((1,), link_error=echo.s(1, bad)),
    "chunks": lambda app, echo, bad: echo.chunks([(1,), (bad,)], 2).delay(),
    "map": lambda app, echo, bad: echo.map([1, bad]).delay(),
    "headers": lambda app, echo, bad: echo.apply_async((1,), headers={"note": bad}),
    "a text to show": lambda app, echo, bad: echo.apply_async((1,), argsrepr=bad),
    "apply": lambda app, echo, bad: echo.apply((1, bad)),
}
PLACES = {
    "by name": "kwargs.text", "the first of many": "args[1]", "a later of many": "kwargs.text",
    "a link of a chain": "kwargs.text", "chunks": "kwargs.it[1][0]", "map": "kwargs.it[1]", "headers": "headers.note",
    "a text to show": "options.argsrepr",
}  # fmt: skip
LABELS = {"the first of many": "calls[0]: shop.echo: ", "a later of many": "calls[2]: shop.echo: "}
NESTED = ("chunks", "map")
LABELS |= {"chunks": "sqlqueue.starmap: ", "map": "sqlqueue.map: "}


class Foreign:
    pass


def nested(levels):
    return [nested(levels - 1)] if levels else 0


def test_what_could_never_be_stored_is_refused_with_task_and_argument(app, echo):
    for call in CALLS:
        refuses(app, echo, call)
    assert app.jobs.find(Which()) == [], "and nothing was sent"


def refuses(app, echo, call):
    label, place = LABELS.get(call, "shop.echo: "), PLACES.get(call, "args[1]")
    whole = place.partition(".")[0].partition("[")[0]
    cases = {
        "too large": (LARGE, f"{whole} is 3,"),
        "NUL": ("a\0b", f"{place} contains a NUL character, which the database cannot store: remove it"),
        "surrogate": ("\ud800", f"{place} contains a lone surrogate"),
        "NaN": (float("nan"), f"{place} is nan, which JSON cannot hold: pass None or a string"),
        "key": ({1: 2}, f"{place} has the key 1 of type int; JSON keys are strings: pass str(key)"),
        "type": (Foreign(), f"{place} is of type Foreign, which cannot be stored"),
        "depth": (nested(70), place),
    }
    for name, (bad, words) in cases.items():
        with pytest.raises(EncodingError) as caught:
            CALLS[call](app, echo, bad)
        told = str(caught.value)
        assert told.startswith(label + words), (call, name)
        if name == "too large":
            assert f"({place.removesuffix('[0]').removesuffix('[1]' if call in NESTED else '')} alone 3,0" in told, call
            assert told.endswith(MESSAGE), call
        elif name == "depth":
            assert told.endswith("is nested deeper than 64 levels (or contains itself)"), call


def test_other_forms_say_the_same(app, echo):
    """What they have no form for; NaN and NUL they have."""
    for form in ("yaml", "msgpack"):
        with pytest.raises(
            EncodingError, match=r"^shop.echo: kwargs.x.rows\[1\] is of type Foreign, which cannot be s"
        ):
            echo.apply_async(kwargs={"x": {"rows": [0, Foreign()]}}, serializer=form)
        with pytest.raises(EncodingError, match=r"^shop.echo: args\[1\]\[0\]\[0\].* is nested deeper than 64 levels"):
            echo.apply_async((0, nested(70)), serializer=form)
    sent = [echo.apply_async(("a\0b", float("inf")), serializer=form) for form in ("yaml", "msgpack", "pickle")]
    app.conf.result_serializer = "yaml"
    drain(app)
    assert [one.get(timeout=PATIENCE) for one in sent] == [[["a\0b", float("inf")], {}]] * 3

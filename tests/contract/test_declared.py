"""Typed values through the database, and what annotations make of plain ones when the task runs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, NewType, TypeVar

import pytest

from sqlqueue import EncodingError, SQLQueue
from sqlqueue.testing.drain import drain


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url)
    yield app
    app.close()


T = TypeVar("T")

VALUES = [
    dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC), dt.date(2026, 1, 2), dt.time(3, 4),
    dt.timedelta(days=-1, microseconds=7), uuid.UUID(int=5), decimal.Decimal("1.10"), b"\x00\xff", {1, 2},
    frozenset({"a"}), {"$uuid": "mine"},
]  # fmt: skip


def test_typed_values_there_and_back(app):
    @app.task
    def echo(*values, **named):
        assert list(values) == VALUES, "as the task sees them"
        return [values, named]

    result = echo.delay(*VALUES, named=VALUES[0])
    drain(app)
    assert result.get(timeout=30) == [VALUES, {"named": VALUES[0]}]


def test_an_exception_with_typed_arguments(app):
    @app.task
    def fail():
        raise LookupError(uuid.UUID(int=5), dt.date(2026, 1, 2))

    result = fail.delay()
    drain(app)
    with pytest.raises(LookupError) as raised:
        result.get(timeout=30)
    assert raised.value.args == (uuid.UUID(int=5), dt.date(2026, 1, 2))


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    colour: Colour | None


class Model:
    """As much of a pydantic model as is used."""

    def __init__(self, n):
        self.n = n

    def model_dump(self, mode):
        assert mode == "json"
        return {"n": self.n}

    @classmethod
    def model_validate(cls, value):
        if not isinstance(value.get("n"), int):
            raise ValueError("n is no integer")  # noqa: TRY004 - as pydantic does
        return cls(value["n"])


def test_arguments_are_made_into_what_the_task_declares(app):
    seen = []

    @app.task(bind=True)
    def look(
        self, colour: Colour, point: Point, pair: tuple[int, int], several: list[Colour], model: Model,
        maybe: Colour | None = None, *rest: Colour, **named: Point,
    ) -> Point:  # fmt: skip
        seen.append((self is look, colour, point, pair, several, model.n, maybe, rest, named))
        return point

    point = Point(1, Colour.RED)
    result = look.delay(
        Colour.RED, point, (1, 2), [Colour.RED], Model(3), None, Colour.RED, more=Point(2, None)
    )  # fmt: skip
    drain(app)
    assert result.get(timeout=30) == {"x": 1, "colour": "red"}, "a result comes back plain: the caller declares nothing"
    named = {"more": Point(2, None)}
    assert seen == [(True, Colour.RED, point, (1, 2), [Colour.RED], 3, None, (Colour.RED,), named)]


def test_maps_and_chunks_call_with_what_the_task_declares(app):
    @app.task(bind=True)
    def look(self, point: Point, colour: Colour = Colour.RED):
        return [type(point).__name__, type(colour).__name__]

    points, whole = [Point(1, None), Point(2, Colour.RED)], ["Point", "Colour"]
    pair = (points[0], Colour.RED)
    results = [look.map(points).delay(), look.starmap([pair]).delay(), look.chunks([pair], 1).delay()]
    drain(app)
    assert [one.get(timeout=30) for one in results] == [[whole, whole], [whole], [[whole]]]


class Pair(NamedTuple):
    colour: Colour
    n: int = 0


@dataclasses.dataclass(frozen=True)
class Counted:
    name: str
    seen: int = dataclasses.field(default=1, init=False)


class Orbit(enum.Enum):
    NEAR = (1, (2, 3))


@dataclasses.dataclass(frozen=True)
class Spot:
    colour: Colour


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


@dataclasses.dataclass
class Half:
    colour: Colour
    other: Nowhere | None = None  # type: ignore[name-defined]  # noqa: F821 - known to type checkers only


Shade = NewType("Shade", Colour)
POINT, RED = Point(1, Colour.RED), Colour.RED
DECLARED = [
    (set[Colour], {RED}), (frozenset[Colour], frozenset([RED])), (tuple[Colour, ...], (RED, RED)),
    (tuple[Colour, int], (RED, 1)), (Sequence[Colour], [RED]), (Mapping[str, Point], {"a": POINT}),
    (Pair, Pair(RED, 2)), (list[Pair], [Pair(RED)]), (Colour | int, RED), (Colour | int, 5), (Colour | float, 5),
    (Colour | Point | None, POINT), (Colour | Point | None, None), (Colour | list[int], [1]), (Colour | Any, "green"),
    (tuple, (1, 2)), (tuple[int, ...] | None, (1,)), (Counted, Counted("a")), (Orbit, Orbit.NEAR), (Shade, RED),
    (set[Spot], {Spot(RED)}), (frozenset[Spot], frozenset([Spot(RED)])), (Box[int], Box(1)), (Half, Half(RED)),
]  # fmt: skip


@pytest.mark.parametrize(("hint", "value"), DECLARED)
def test_every_form_of_a_declaration(app, hint, value):
    seen = []

    def look(x):
        seen.append(x)

    look.__annotations__ = {"x": hint}
    app.task(look).delay(value)
    assert len(drain(app)) == 1
    assert seen == [value]
    assert type(seen[0]) is type(value)


def test_a_dataclass_keeps_what_its_constructor_does_not_take(app):
    seen = []

    @app.task
    def look(x: Counted):
        seen.append(x)

    sent = Counted("a")
    object.__setattr__(sent, "seen", 7)
    look.delay(sent)
    drain(app)
    assert seen[0].seen == 7


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (Point, {"x": 1, "colour": "red", "zz": 2}, "Point has no field zz"),
        (Point, {"x": 1}, "missing 1 required positional argument"),
        (tuple[Colour, int], ["red"], "1 values for a tuple of 2"),
        (set[Colour], ["green"], "'green' is not a valid"),
        (Colour | int, "green", "'green' is not a valid"),
    ],
)
def test_values_that_are_none_of_it_name_the_argument(app, hint, value, words):
    def look(x):
        raise AssertionError("must not run")

    look.__annotations__ = {"x": hint}
    result = app.task(look).delay(value)
    drain(app)
    with pytest.raises(EncodingError, match=f"the argument x is not what the task declares: .*{words}"):
        result.get(timeout=30)


def test_what_is_not_what_the_task_declares_fails_and_names_it(app):
    @app.task(autoretry_for=(Exception,))
    def look(colour: Colour):
        raise AssertionError("must not run")

    result = look.delay("green")
    drain(app)
    with pytest.raises(EncodingError, match="the argument colour is not what the task declares: 'green'"):
        result.get(timeout=30)


def test_annotations_that_cannot_be_evaluated_change_nothing(app):
    @app.task
    def look(x: Nowhere):  # type: ignore[name-defined]  # noqa: F821 - the point
        return x

    result = look.delay(1)
    drain(app)
    assert result.get(timeout=30) == 1
    assert not look.plain


def test_an_annotation_that_cannot_be_evaluated_hides_no_other(app):
    @app.task
    def look(colour: Colour, x: Nowhere) -> Elsewhere:  # type: ignore[name-defined]  # noqa: F821 - the point
        return [colour is Colour.RED, x]

    result = look.delay(Colour.RED, 1)
    drain(app)
    assert result.get(timeout=30) == [True, 1]


def test_a_set_of_dataclasses_is_a_list_of_dicts_where_nothing_is_declared(app):
    result = app.task(name="echo")(lambda x: x).delay({Spot(RED)})
    drain(app)
    assert result.get(timeout=30) == [{"colour": "red"}]


class Broken(Model):
    def model_dump(self, mode):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")


@pytest.mark.parametrize("serializer", ["json", "yaml"])
def test_a_model_that_cannot_be_written_is_named(app, serializer):
    task = app.task(name="task", serializer=serializer)(lambda x: x)
    with pytest.raises(EncodingError, match=r"task: args\[0\]\.a is of type Broken, which cannot be made .* invalid"):
        task.delay({"a": Broken(1)})


class Strict(Model):
    """A model whose fields have other names outside, of which one is computed, and that is strict but with JSON."""

    model_computed_fields: ClassVar = {"twice": ...}

    def model_dump(self, mode):
        return {"n": self.n, "twice": self.n * 2}

    @classmethod
    def model_validate(cls, value, *, by_name=None):
        assert by_name, "it is stored by the names of its fields"
        raise ValueError(f"{value} is Python's")

    @classmethod
    def model_validate_json(cls, text, *, by_name=None):
        assert by_name
        (n,) = json.loads(text).values()
        return cls(n)


def test_a_strict_model_is_made_of_json(app):
    @app.task
    def look(model: Strict):
        return model.n

    result, not_json = look.delay(Strict(5)), look.delay({"n": dt.date(2026, 1, 2)})
    drain(app)
    assert result.get(timeout=30) == 5
    with pytest.raises(EncodingError, match="is Python's"):
        not_json.get(timeout=30)


def test_a_task_of_plain_annotations_stays_on_the_quick_way(app):
    @app.task
    def add(x: int, y: list[dict[str, int]] | None = None) -> int:
        return x

    assert add.plain

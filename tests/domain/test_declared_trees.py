"""Dataclasses with fields of their own class, or of one that is defined after the task."""

from __future__ import annotations

import dataclasses
import enum
from inspect import signature

import pytest

from sqlqueue.tasks import declared
from sqlqueue.tasks.declared import Declared


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Tree:
    colour: Colour
    branches: list[Tree]


def grow(tree: Tree) -> None: ...


def bear(fruit: Fruit) -> None: ...


@dataclasses.dataclass
class Fruit:
    colour: Colour


PLAIN = {"colour": "red", "branches": [{"colour": "red", "branches": []}]}
MADE = Tree(Colour.RED, [Tree(Colour.RED, [])])


def read(function, value):
    ((found,), named) = Declared(function, signature(function)).read((value,), {})
    assert named == {}
    return found


def test_a_tree():
    assert read(grow, PLAIN) == MADE
    assert read(grow, MADE) is MADE


def test_one_that_is_defined_later():
    assert read(bear, {"colour": "red"}) == Fruit(Colour.RED)


def test_annotations_are_read_once_for_all_values(monkeypatch):
    task = Declared(grow, signature(grow))
    task.read((PLAIN,), {})
    monkeypatch.setattr(declared, "_hints", pytest.fail)
    assert task.read((PLAIN,), {}) == ((MADE,), {})

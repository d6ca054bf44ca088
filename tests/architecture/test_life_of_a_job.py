"""The trip of docs/life-of-a-job.md is real: nine files, in the order in which the worker's own docstring has them."""

import itertools
import re

import pytest

import sqlqueue.worker
from sqlqueue.client.answers import CELERY_STATES
from sqlqueue.domain.states import TRANSITIONS, State
from tests.support import pages

PAGE = pages.page("docs/life-of-a-job.md")
ROOM = re.compile(r"^\d\. `{1,2}(\w+/[\w/]+\.py)`{1,2}", re.MULTILINE)
ROOMS = ROOM.findall(PAGE)


def test_there_are_nine_rooms():
    assert len(ROOMS) == 9


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_a_file_that_says_what_it_is_for(room):
    assert pages.page(f"sqlqueue/{room}").startswith('"""')


def test_the_worker_tells_the_same_trip():
    assert ROOM.findall(sqlqueue.worker.__doc__) == ROOMS


@pytest.mark.parametrize(("room", "following"), [*itertools.pairwise(ROOMS)])
def test_a_room_that_names_the_next_one_names_it_right(room, following):
    head = pages.page(f"sqlqueue/{room}").split('"""')[1]
    _, named, place = head.partition("Next room: ")
    if named:
        assert following.removesuffix(".py").rpartition("/")[2] in place


def chart() -> str:
    moves = [f"    {before} --> {after}" for before, found in TRANSITIONS.items() for after in State if after in found]
    return "\n".join(["stateDiagram-v2", *moves, ""])


def test_the_chart_is_the_table_of_transitions():
    (block,) = pages.blocks(PAGE, "mermaid")
    assert block.text == chart()


def test_celerys_words_are_those_of_the_code():
    said = {}
    for states, words in pages.table_rows(pages.sections(PAGE)["States"]):
        for state in re.findall(r"`(\w+)`", states):
            said[state] = re.findall(r"`(\w+)`", words)[0]
    assert said == {str(state): word for state, word in CELERY_STATES.items()}

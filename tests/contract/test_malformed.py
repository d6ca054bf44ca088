"""Rows that no client of ours has written: each fails by itself, and its neighbours run."""

import json

import pytest

from sqlqueue import SQLQueue
from tests.support.inprocess import working
from tests.support.runners import onlooker

PATIENCE = 30.0
GOOD = {"args": "[1, 2]", "kwargs": "{}", "options": None, "headers": None}


def content(content_type):
    return json.dumps({"$encoded": {"content_type": content_type, "content_encoding": "utf-8", "data": "x: ["}})


BAD = {
    "an object of args": ({"args": '{"x": 1}'}, "args are no JSON array"),
    "a number of args": ({"args": "5"}, "args are no JSON array"),
    "too few args": ({"args": "[1]"}, "missing 1 required"),
    "an array of kwargs": ({"kwargs": "[1]"}, "kwargs no JSON object"),
    "kwargs that are not taken": ({"kwargs": '{"z": 1}'}, "unexpected keyword"),
    "a form that is not known here": ({"args": f"[{content('x/y')}, 1]"}, "'x/y', which is not known here"),
    "a form that is not accepted": ({"args": f"[{content('application/x-yaml')}, 1]"}, "accept_content does not list"),
    "a form in pieces": ({"args": '[{"$encoded": 5}, 1]'}, "said to be encoded, and is not: 5"),
    "a form without its data": ({"kwargs": '{"x": {"$encoded": {}}}'}, "said to be encoded, and is not"),
    "a form that is damaged": (
        {"args": f"[{content('application/x-msgpack')}, 1]"},
        "msgpack has written cannot be read",
    ),
    "a number of options": ({"options": "5"}, "options are no JSON object"),
    "an array of options": ({"options": "[]"}, "options are no JSON object"),
    "a limit that is a word": ({"options": '{"time_limit": "soon"}'}, "time_limit is 'soon'"),
    "a limit below zero": ({"options": '{"soft_time_limit": -1}'}, "soft_time_limit is -1"),
}
INSERT = """INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs, options, headers)
VALUES ({0}, {0}, 'default', 'ready', 'add', {0}, {0}, {0}, {0})"""


@pytest.fixture
def put(database_url):
    """Insert a row as a stranger would."""
    connection = onlooker(database_url)
    statement = INSERT.format("?" if database_url.startswith("sqlite") else "%s")

    def insert(id_, seq, **columns):
        row = {**GOOD, **columns}
        connection.execute(statement, (id_, seq, row["args"], row["kwargs"], row["options"], row["headers"]))

    yield insert
    connection.close()


def test_each_fails_by_itself_and_its_neighbours_run(database_url, put):
    app = SQLQueue("shop", broker=database_url, accept_content=["json", "msgpack"])

    @app.task(name="add")
    def add(x, y):
        return x + y

    seq = 1000
    for name, (columns, _) in BAD.items():
        put(name, seq, **columns)
        put(f"after {name}", seq + 1)
        seq += 2
    put("a number of headers", seq, headers="5")
    with working(app, concurrency=1):
        for name, (_, words) in BAD.items():
            with pytest.raises(Exception, match=words):
                app.AsyncResult(name).get(timeout=PATIENCE)
            assert app.AsyncResult(f"after {name}").get(timeout=PATIENCE) == 3
        assert app.AsyncResult("a number of headers").get(timeout=PATIENCE) == 3
        assert add.delay(2, 2).get(timeout=PATIENCE) == 4
    app.close()


@pytest.mark.parametrize("column", ["args", "kwargs", "options", "headers"])
def test_what_is_no_json_is_refused_by_the_table(put, column):
    with pytest.raises(Exception, match=r"CHECK constraint|invalid input syntax for type json"):
        put("bad", 1, **{column: "nonsense"})


def test_a_word_for_a_number_is_refused_by_the_file(sqlite_url):
    connection = onlooker(sqlite_url)
    for column in ("priority", "retries", "crashes", "max_crashes"):
        with pytest.raises(Exception, match="CHECK constraint"):
            connection.execute(
                f"INSERT INTO sqlqueue_jobs (id, seq, queue, state, task, args, kwargs, {column})"
                " VALUES ('a', 1, 'q', 'ready', 't', '[]', '{}', 'x')"
            )
    connection.close()

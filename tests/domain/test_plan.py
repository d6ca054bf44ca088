"""plan: what a signature becomes, of any shape; an interpreter that knows nothing of rows says what it must end in."""

from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlqueue.canvas.plan import Given, Many, plan
from sqlqueue.domain.workflow import Takes
from sqlqueue.tasks.shapes import chain, chord, group
from sqlqueue.tasks.signature import Signature


def call(name, *args, immutable=False, **options):
    return Signature(name, args, {}, options, immutable=immutable)


def laid_out(sig, *args, **options):
    ids = (f"id{n}" for n in count())
    return plan(sig, lambda: next(ids), Given(args, {}, options))


# --- every task returns [its name, its arguments]; so a value tells all that led to it --------------------------


def interpret(sig, received=None):
    """Return what ``sig`` ends in when it is called with ``received``, a list of one argument, or with nothing."""
    match sig["subtask_type"]:
        case "chain":
            return interpret_chain(sig, received)
        case "group":
            return [interpret(member, received) for member in unrolled(sig)]
        case "chord":
            header = [interpret(member, received) for member in unrolled(sig["kwargs"]["header"])]
            return interpret(sig["kwargs"]["body"], [header])
    taken = [] if sig["immutable"] or received is None else received
    return [sig["task"], [*taken, *sig["args"]]]


def interpret_whole(sig):
    """The same for what is called itself: a group whose one member ends in a group is that group, as in Celery."""
    value = interpret(sig)
    members = list(unrolled(sig)) if sig["subtask_type"] == "group" else []
    return value[0] if len(members) == 1 and ends_in_a_group(members[0]) else value


def ends_in_a_group(sig):
    match sig["subtask_type"]:
        case "chain":
            return ends_in_a_group(list(spliced(sig))[-1])
        case "chord":
            return ends_in_a_group(sig["kwargs"]["body"])
    return sig["subtask_type"] == "group"


def interpret_chain(sig, received):
    value = None
    for step in spliced(sig):
        value = interpret(step, received)
        received = [value]
    return value


def spliced(sig):
    for step in sig["kwargs"]["tasks"]:
        members = list(unrolled(step)) if step["subtask_type"] == "group" else [step]
        if step["subtask_type"] == "chain":
            yield from spliced(step)
        elif len(members) == 1 and members[0]["subtask_type"] == "chain":
            yield from spliced(members[0])
        elif len(members) == 1:
            yield members[0]
        elif members:
            yield step


def unrolled(sig):
    for member in sig["kwargs"]["tasks"]:
        yield from unrolled(member) if member["subtask_type"] == "group" else [member]


def run(planned):
    """Run rows and edges as the database and a worker would: a row when all that it waits for is over."""
    values: dict[str, object] = {}
    left = list(planned.rows)
    while left:
        able = [row for row in left if all(edge.parent in values for edge in edges_of(planned, row))]
        assert able, "rows wait for each other, or for nobody"
        for row in able:
            got = [values[edge.parent] for edge in edges_of(planned, row)]
            values[row.id] = run_row(row, got)
        left = [row for row in left if row.id not in values]
    return values


def edges_of(planned, row):
    return sorted((edge for edge in planned.edges if edge.dependent == row.id), key=lambda edge: edge.position)


def run_row(row, got):
    match row.takes:
        case Takes.VALUE | Takes.JOINED:
            (taken,) = got
            args = (taken, *row.args)
        case Takes.LIST:
            args = (got, *row.args)
        case _:
            args = row.args
    return list(args[0]) if row.task == "sqlqueue.join" else [row.task, list(args)]


def read(handle, values):
    if isinstance(handle, Many):
        return [read(member, values) for member in handle.members]
    return values[handle.id]


names = st.sampled_from("abcde")
calls = st.builds(lambda name, args, immutable: call(name, *args, immutable=immutable),
                  names, st.lists(st.integers(0, 9), max_size=2), st.booleans())  # fmt: skip


def shapes(inner):
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        some.map(lambda tasks: chain(*tasks)),
        some.map(lambda tasks: group(list(tasks))),
        st.builds(chord, some, inner),
        st.builds(lambda one, other: one | other, inner, inner),
    )


signatures = st.recursive(calls, shapes, max_leaves=12)


@given(signatures)
@example(group(call("a") | group(call("a"), call("b"))))
@example(chord([call("a")], group(chord(group(call("a")), group(call("a"))))))
def test_any_shape_ends_in_what_the_interpreter_says(sig):
    planned = laid_out(sig)
    assert read(planned.handle, run(planned)) == interpret_whole(sig)


@given(signatures)
def test_the_json_form_is_laid_out_alike(sig):
    import json

    again = Signature.from_dict(json.loads(json.dumps(sig)))
    one, other = laid_out(sig), laid_out(again)
    assert (one.edges, one.handle) == (other.edges, other.handle)
    assert [row.task for row in one.rows] == [row.task for row in other.rows]


@given(signatures)
def test_every_row_is_sound(sig):
    planned = laid_out(sig)
    ids = [row.id for row in planned.rows]
    assert len(set(ids)) == len(ids)
    dependents = {edge.dependent for edge in planned.edges}
    parents = {edge.parent for edge in planned.edges}
    assert {row.id for row in planned.rows if row.takes is not None} == dependents
    assert {row.id for row in planned.rows if row.feeds} == parents
    assert len({(edge.dependent, edge.position) for edge in planned.edges}) == len(planned.edges)
    seen = set()
    for row in planned.rows:
        assert all(edge.parent in seen for edge in edges_of(planned, row)), "a row stands after those it waits for"
        seen.add(row.id)


def test_many_after_many_are_joined_by_one():
    width = 300
    planned = laid_out(group(call("a") for _ in range(width)) | group(call("b") for _ in range(width)))
    assert len(planned.edges) == 2 * width
    assert [row.task for row in planned.rows].count("sqlqueue.join") == 1


def test_a_chain_longer_than_the_stack():
    planned = laid_out(chain(*(call("a") for _ in range(5000))))
    assert len(planned.edges) == 4999
    depth, one = 0, planned.handle
    while one is not None:
        depth, one = depth + 1, one.before
    assert depth == 5000


def test_the_id_that_a_call_gives_is_that_of_the_last_job():
    for sig in (call("a") | call("b"), chord([call("a")], call("b")), call("a")):
        planned = laid_out(sig, task_id="mine")
        assert planned.handle.id == "mine"
        assert [row.id for row in planned.rows if row.given_id] == ["mine"]


def test_options_reach_those_whom_they_are_meant_for():
    sig = chain(call("a"), call("b", queue="own")).set(queue="q", countdown=5)
    assert [row.options for row in laid_out(sig).rows] == [{"queue": "q", "countdown": 5}, {"queue": "own"}]
    body = chord([call("a")], call("b")).set(queue="q", countdown=5)
    assert [row.options for row in laid_out(body).rows] == [{"queue": "q", "countdown": 5}, {"queue": "q"}]
    assert [row.options for row in laid_out(group(call("a"), call("b")), queue="q").rows] == [{"queue": "q"}] * 2


@pytest.mark.parametrize("shape", [
    lambda link: call("a", link=[link]),
    lambda link: call("a", link=link),
    lambda link: chain(call("x"), call("a"), link=[link]),
    lambda link: chord([call("x")], call("a"), link=[link]),
])  # fmt: skip
def test_a_link_waits_for_the_last_job(shape):
    planned = laid_out(shape(call("l")))
    (last,) = [row for row in planned.rows if row.task == "a"]
    (link,) = [row for row in planned.rows if row.task == "l"]
    assert [edge.parent for edge in edges_of(planned, link)] == [last.id]
    assert link.takes is Takes.VALUE
    assert planned.handle.id == last.id


def test_an_errback_of_a_chain_waits_for_the_failure_of_each_step():
    planned = laid_out(chain(call("a"), call("b"), link_error=[call("e")]))
    errbacks = [row for row in planned.rows if row.task == "e"]
    assert [row.takes for row in errbacks] == [Takes.FAILURE] * 2
    assert [planned.rows[[r.id for r in planned.rows].index(row.parent)].task for row in errbacks] == ["a", "b"]


def test_group_index_and_membership():
    planned = laid_out(call("z") | group(call("a") | call("b"), call("c")))
    assert [(row.task, row.group) for row in planned.rows] == [
        ("z", None), ("a", None), ("b", planned.handle.id), ("c", planned.handle.id),
    ]  # fmt: skip

"""Stamps reach every job of a workflow, and say what was asked."""

from sqlqueue.tasks.shapes import chain, chord, group
from sqlqueue.tasks.signature import Signature
from sqlqueue.tasks.stamping import StampingVisitor


def call(name):
    return Signature(name)


def stamps_of(sig):
    """Return the stamps of every job that the signature would be, by task."""
    found = {}
    for row in sig.plan().rows:
        headers = row.options.get("headers", {})
        found[row.task] = {name: headers[name] for name in headers.get("stamped_headers", [])}
    return found


def workflow():
    first = call("a")
    first.link(call("link"))
    first.link_error(call("errback"))
    return chain(first, group(call("b"), call("c")), chord([call("d")], call("e")))


def test_a_stamp_is_put_on_every_job():
    assert stamps_of(workflow().stamp(customer="Ada")) == {
        task: {"customer": "Ada"} for task in ("a", "link", "errback", "b", "c", "d", "e")
    }


def test_a_stamp_is_replaced_or_added_to():
    sig = call("a").stamp(customer="Ada", shop=1)
    assert stamps_of(sig.stamp(customer="Bob")) == {"a": {"customer": "Bob", "shop": 1}}
    assert stamps_of(sig.stamp(append_stamps=True, customer=["Bob", "Eve"])) == {
        "a": {"customer": ["Bob", "Eve"], "shop": 1}
    }


def test_other_headers_are_kept_and_are_no_stamps():
    sig = call("a").set(headers={"trace": "x"}).stamp(customer="Ada")
    assert sig.options["headers"] == {"trace": "x", "customer": "Ada", "stamped_headers": ["customer"]}
    assert stamps_of(sig) == {"a": {"customer": "Ada"}}


class Telling(StampingVisitor):
    """Tells each job which part it is of."""

    def __init__(self):
        self.ends = []

    def on_signature(self, sig, **headers):
        return {"task": sig.task, "noise": 1, "stamped_headers": ["task"]}

    def on_chain_start(self, sig, **headers):
        return {"in": "chain"}

    def on_group_start(self, sig, **headers):
        return {"in": "group"}

    def on_chord_header_start(self, sig, **headers):
        return {"in": "header"}

    def on_chord_body(self, sig, **headers):
        return {"in": "body"}

    def on_callback(self, sig, **headers):
        return {"in": "link"}

    def on_errback(self, sig, **headers):
        return {"in": "errback"}

    def on_chain_end(self, sig, **headers):
        self.ends.append("chain")

    def on_group_end(self, sig, **headers):
        self.ends.append("group")

    def on_chord_header_end(self, sig, **headers):
        self.ends.append("header")


def test_a_visitor_says_what_each_part_is():
    visitor = Telling()
    found = stamps_of(workflow().stamp(visitor))
    parts = {"a": "chain", "link": "link", "errback": "errback", "b": "group", "c": "group", "d": "header", "e": "body"}
    assert found == {task: {"in": part, "task": task} for task, part in parts.items()}
    assert visitor.ends == ["group", "header", "chain"]

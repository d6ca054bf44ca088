"""What the words of `sqlqueue multi` mean."""

import socket

import pytest

from sqlqueue.cli.nodes import read_nodes
from sqlqueue.errors import ConfigError
from sqlqueue.worker.options import WorkerOptions
from sqlqueue.worker.order import read_queues

HOST = socket.gethostname()


def options(words, program=()):
    return {node.name.partition("@")[0]: node.options for node in read_nodes(words.split(), program)}


def test_names_are_given_the_hosts_name_unless_they_have_one():
    assert [node.name for node in read_nodes(["w1", "w2@here"])] == [f"w1@{HOST}", "w2@here"]


def test_a_number_stands_for_numbered_names():
    assert [node.name for node in read_nodes(["3"])] == [f"sqlqueue{n}@{HOST}" for n in (1, 2, 3)]


def test_options_are_for_all():
    assert options("w1 w2 -c 4 --purge --loglevel=info") == dict.fromkeys(
        ("w1", "w2"), ("-c", "4", "--purge", "--loglevel", "info")
    )


def test_options_for_some_go_before_those_for_all():
    assert options("w1 w2 -c:w2 9 -c 4") == {"w1": ("-c", "4"), "w2": ("-c", "9")}


def test_some_are_told_by_number_range_and_name():
    found = options("6 -Q:1-2,5 images -Q:sqlqueue3 mail")
    assert found == {f"sqlqueue{n}": ("-Q", "images") for n in (1, 2, 5)} | {
        "sqlqueue3": ("-Q", "mail"), "sqlqueue4": (), "sqlqueue6": (),
    }  # fmt: skip


def test_files_are_each_workers_own():
    (node,) = read_nodes(["w1", "--pidfile=/run/%n/%h.pid", "-f", "%p.log"])
    assert (node.pidfile, node.logfile) == (f"/run/w1/{HOST}.pid", f"w1@{HOST}.log")
    (node,) = read_nodes(["w1"])
    assert (node.pidfile, node.logfile) == ("w1.pid", "w1.log")


def test_what_is_the_programs_stands_before_the_command():
    (node,) = read_nodes(["w1", "-A", "shop", "-c", "2"], ["-b", "sqlite:///jobs.db"])
    assert node.words == [
        "-b", "sqlite:///jobs.db", "-A", "shop", "worker", "--detach", "-n", f"w1@{HOST}",
        "--pidfile", "w1.pid", "--logfile", "w1.log", "-c", "2",
    ]  # fmt: skip
    assert WorkerOptions(("q",), name=node.name).node_name == node.name


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "say which workers"),
        ("-c 3", "say which workers"),
        ("w1 -c 3 w2", "names of workers come first"),
        ("w1 -c:w2 3", "-c is for w2, which is none of the workers"),
        ("2 -c:1-3 3", "-c is for 3, which is none of the workers"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, complaint):
    with pytest.raises(ConfigError, match=complaint):
        read_nodes(words.split())


def test_queues_are_left_out_with_their_weights():
    left = read_queues(["a=3,b,c=2"]).without(["b"])
    assert left.names == ("a", "c")
    assert left.weights == {"a": 3, "c": 2}
    assert read_queues(["a,b"]).without(()).weights is None


def test_a_queue_that_is_not_there_cannot_be_left_out():
    with pytest.raises(ConfigError, match="did you mean 'images'"):
        read_queues(["images,mail"]).without(["image"])
    with pytest.raises(ConfigError, match="no queue remains"):
        read_queues(["images"]).without(["images"])

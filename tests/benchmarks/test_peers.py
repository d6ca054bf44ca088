"""The other queues are measured where they can be had, and named where they cannot."""

import pathlib
import struct
from typing import TYPE_CHECKING, cast

import pytest

from benchmarks.peers import install, measure
from benchmarks.peers.catalog import PEERS
from benchmarks.targets import ROWS
from tests.support import gates

if TYPE_CHECKING:
    from benchmarks.ground import Database


class Anywhere:
    name = "sqlite"


def test_one_that_cannot_be_had_is_named_with_the_reason(monkeypatch, capsys):
    def refuse(_):
        raise install.Unavailable("pip cannot install it")

    monkeypatch.setattr(measure, "command", refuse)
    monkeypatch.setattr(measure, "told", set())
    assert list(measure.measure(cast("Database", Anywhere()), quick=True)) == []
    assert capsys.readouterr().out == "not measured: huey: pip cannot install it\n"


def test_without_node_there_is_no_node(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(install.Unavailable, match="no node and npm"):
        install.node("graphile-worker")


def test_a_failing_installation_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "HOME", tmp_path)
    with pytest.raises(install.Unavailable, match=r"pip cannot install \./absent: "):
        install.python("absent", ["./absent"])
    assert not list(tmp_path.glob("absent/*.stamp"))


def test_bodies_are_summed_over_processes(tmp_path):
    for number, (count, first) in enumerate([(3, 50), (4, 20)]):
        (tmp_path / f"ran-{number}").write_bytes(struct.pack("<QQ", count, first))
    (tmp_path / "ran-2").write_bytes(b"")  # a process that has just begun
    assert measure._ran(tmp_path) == (7, 20)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_its_script(peer):
    assert (pathlib.Path(gates.ROOT) / "benchmarks" / "peers" / peer.script).is_file()


def test_every_peer_of_a_row_is_in_the_catalog():
    named = {row.what for row in ROWS if row.what.startswith("the same, of ")}
    assert len(named) == 5
    for what in named:
        assert any(what.removeprefix("the same, of ").startswith(peer.name) for peer in PEERS)

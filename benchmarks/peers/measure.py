"""Drains of the other queues on the same server, at their best settings: `peer drain, NAME`.

From the first body's start until the peer's own store says that every job is over; asked only after all bodies ran.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

from benchmarks.figures import Sample
from benchmarks.ground import Database
from benchmarks.peers import install
from benchmarks.peers.catalog import PEERS, Peer, command
from benchmarks.peers.side import LAYOUT

HERE = pathlib.Path(__file__).parent
FILL_WITHIN = 300.0  # seconds
DRAIN_WITHIN = 180.0  # seconds
STOP_WITHIN = 10.0  # seconds, then it is killed: its jobs are over
LOOK = 0.02  # seconds between two looks
LEAST = 5.0  # seconds that a drain must last
LENGTH = 6.5  # seconds for which it is filled again when it was shorter
QUICK = 50  # a quick drain has that part of the jobs

_counts: dict[str, int] = {}  # jobs of each peer, where the first drain was too short

told: set[str] = set()  # what was said of peers already


def measure(database: Database, *, quick: bool) -> Iterator[Sample]:
    for peer in PEERS:
        if peer.database != database.name:
            continue
        try:
            sample = _measured(database, peer, quick=quick)
        except install.Unavailable as reason:
            _tell(f"not measured: {peer.name}: {reason}")
        else:
            yield sample


def _measured(database: Database, peer: Peer, *, quick: bool) -> Sample:
    if peer.extension is not None:
        offered = f"SELECT 1 FROM pg_available_extensions WHERE name = '{peer.extension}'"
        with database.empty() as url:
            if not database.ask(url, offered):
                raise install.Unavailable(f"the server does not offer the extension {peer.extension}")
    start, environment, version = command(peer)
    _tell(f"{peer.name}: {version}; {peer.settings}")
    drain = Drain(database, peer, start, {**os.environ, **environment})
    return Sample(f"peer drain, {peer.name}", _long_enough(drain, peer, quick=quick))


def _long_enough(drain: "Drain", peer: Peer, *, quick: bool) -> float:
    if quick:
        return drain(max(peer.jobs // QUICK, 100))[0]
    count = _counts.get(peer.name, peer.jobs)
    rate, seconds = drain(count)
    if seconds < LEAST:
        _counts[peer.name] = int(rate * LENGTH)
        rate, _ = drain(_counts[peer.name])
    return rate


def _tell(words: str) -> None:
    if words not in told:
        told.add(words)
        print(words, flush=True)


class Drain:
    """One peer on one database."""

    def __init__(self, database: Database, peer: Peer, start: list[str], environment: dict[str, str]) -> None:
        self._database = database
        self._peer = peer
        self._start = [*start, str(HERE / peer.script)]
        self._environment = environment

    def __call__(self, count: int) -> tuple[float, float]:
        """Return jobs a second and the seconds; asserts that every body ran and every job is over."""
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sqlqueue-bench-peer-")))
            url = stack.enter_context(self._database.empty())
            redis = stack.enter_context(_redis(folder)) if "{redis}" in self._peer.url else ""
            words = [self._peer.url.format(url=url, redis=redis), str(folder)]
            filled = self._script(folder, "fill", *words, str(count))
            try:
                assert filled.wait(FILL_WITHIN) == 0, f"{self._peer.name} was not filled:\n{_said(folder)}"
            finally:
                _end(filled)
            self._database.settle_down(url)
            processes = [self._script(folder, "work", *words) for _ in range(self._peer.processes)]
            try:
                _wait(lambda: _ran(folder)[0] >= count, processes, folder)
                _wait(lambda: self._left(url, redis, count) <= 0, processes, folder)
                ended = time.monotonic_ns()
            finally:
                for process in processes:
                    _end(process)
            bodies, began = _ran(folder)
            assert bodies == count, f"{bodies} bodies of {count} jobs ran"
            return count / (ended - began) * 1e9, (ended - began) / 1e9

    def _script(self, folder: pathlib.Path, *words: str) -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*self._start, *words], cwd=folder, env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _left(self, url: str, redis: str, count: int) -> int:
        if self._peer.left is None:
            return count - _results(redis)
        ((left,),) = self._database.ask(url, self._peer.left.format(count=count))
        return int(left)


def _wait(over: Callable[[], bool], processes: list[subprocess.Popen[bytes]], folder: pathlib.Path) -> None:
    deadline = time.monotonic() + DRAIN_WITHIN
    while not over():
        ended = any(process.poll() is not None for process in processes)
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"a peer {'has ended' if ended else 'takes too long'}:\n{_said(folder)}")
        time.sleep(LOOK)


def _said(folder: pathlib.Path) -> str:
    return (folder / "log").read_text(errors="replace")[-4000:]


def _ran(folder: pathlib.Path) -> tuple[int, int]:
    """Return how many bodies ran, and the nanosecond at which the first began."""
    found = [data for file in folder.glob("ran-*") if len(data := file.read_bytes()) == LAYOUT.size]
    counts = [LAYOUT.unpack(data) for data in found]
    return sum(count for count, _ in counts), min((first for _, first in counts), default=0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a script with its children: they share a group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _redis(folder: pathlib.Path) -> Iterator[str]:
    """Run a redis-server with its own defaults on a free port."""
    program, environment = install.redis()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)],
            env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(lambda: _results(f"redis://127.0.0.1:{port}") == 0, [process], folder)
        yield f"redis://127.0.0.1:{port}"
    finally:
        _end(process)


def _results(redis: str) -> int:
    """Return how many keys Redis's database 1 holds, -1 while it does not answer."""
    host, _, port = redis.removeprefix("redis://").partition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"SELECT 1\r\nDBSIZE\r\n")
        answer = b""
        while answer.count(b"\r\n") < 2:
            answer += connection.recv(1024)
        return int(answer.split(b"\r\n")[1].removeprefix(b":"))
    return -1

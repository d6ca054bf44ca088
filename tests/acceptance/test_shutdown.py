"""How a worker ends, starts over and tells of itself: signals, pid files, the background, process 1, systemd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, wait_until

PATIENCE = 40.0


@pytest.fixture
def rude(place):
    """A place whose tasks hold, and leave orphans."""
    (place.folder / "tasks.py").write_text((Path(__file__).parent / "misbehaving_tasks.py").read_text())
    return place


def held_by(place) -> list[int]:
    return [int(path.name.rpartition("-")[2]) for path in place.folder.glob("held-by-*")]


def ends(pid: int) -> None:
    wait_until(f"process {pid} to end", lambda: state(pid) in ("", "Z"), PATIENCE)


def state(pid: int) -> str:
    """Return a process's letter, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_a_soft_shutdown_waits_for_a_while(rude, pool):
    tasks = rude.app()
    worker = rude.worker("-P", pool, "-c", "1", SQLQUEUE_WORKER_SOFT_SHUTDOWN_TIMEOUT="60").wait_ready()
    running = tasks.hold.delay(str(rude.folder))
    wait_until("the task to start", lambda: held_by(rude))
    worker.process.send_signal(signal.SIGQUIT)
    worker.wait_for("soft shutdown, 1 job running")
    (rude.folder / "go").touch()
    assert worker.end() == 0
    assert running.get(timeout=5) in held_by(rude)


@pytest.mark.parametrize("pool", ["prefork", "threads", "asyncio", "solo"])
def test_a_soft_shutdown_gives_back_what_takes_too_long(rude, pool):
    tasks = rude.app()
    worker = rude.worker("-P", pool, "-c", "1", SQLQUEUE_WORKER_SOFT_SHUTDOWN_TIMEOUT="0.3").wait_ready()
    running = tasks.hold.delay(str(rude.folder))
    wait_until("the task to start", lambda: held_by(rude))
    worker.process.send_signal(signal.SIGQUIT)
    assert worker.end() == 0
    assert running.state == "PENDING", "given back, not lost"


def test_ctrl_c_warm_then_soft_then_cold(rude):
    tasks = rude.app()
    worker = rude.worker("-P", "threads", SQLQUEUE_WORKER_SOFT_SHUTDOWN_TIMEOUT="600").wait_ready()
    running = tasks.hold.delay(str(rude.folder))
    wait_until("the task to start", lambda: held_by(rude))
    worker.process.send_signal(signal.SIGINT)
    worker.wait_for("warm shutdown")
    worker.process.send_signal(signal.SIGINT)
    worker.wait_for("giving them 600 s more")
    worker.process.send_signal(signal.SIGINT)
    assert worker.end() == 0
    assert running.state == "PENDING"


def test_sighup_starts_the_same_command_over(rude):
    tasks = rude.app()
    worker = rude.worker("-P", "prefork", "-c", "1", "-n", "over").wait_ready()
    assert tasks.add.delay(1, 1).get(timeout=PATIENCE) == 2
    worker.process.send_signal(signal.SIGHUP)
    wait_until("the second start", lambda: worker.output.count("over is ready") == 2, PATIENCE)
    assert tasks.add.delay(2, 2).get(timeout=PATIENCE) == 4
    assert "over has stopped" in worker.output
    assert worker.finish() == 0


def test_whoever_ends_a_worker_that_is_to_start_over_is_obeyed(rude):
    tasks = rude.app()
    worker = rude.worker("-P", "threads", "-c", "1").wait_ready()
    running = tasks.hold.delay(str(rude.folder))
    wait_until("the task to start", lambda: held_by(rude))
    worker.process.send_signal(signal.SIGHUP)
    worker.wait_for("warm shutdown")
    worker.process.send_signal(signal.SIGTERM)
    (rude.folder / "go").touch()
    assert running.get(timeout=PATIENCE) == worker.process.pid
    assert worker.end() == 0
    assert worker.output.count("is ready") == 1


LATE = """

import os as _os


class _Late:
    def __del__(self, kill=_os.kill, own=_os.getpid()):
        kill(own, 15)


_late = _Late()  # deleted when the interpreter has given its handlers up
"""


def test_told_again_while_it_is_about_to_be_gone_it_has_ended_well(rude):
    with (rude.folder / "tasks.py").open("a") as file:
        file.write(LATE)
    worker = rude.worker("-P", "threads").wait_ready()
    assert worker.finish() == 0


def test_sigusr1_shows_what_every_thread_does(rude):
    worker = rude.worker("-P", "threads").wait_ready()
    worker.process.send_signal(signal.SIGUSR1)
    worker.wait_for("thread MainThread")
    assert worker.finish() == 0


def test_systemd_is_told(rude):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(rude.folder / "notify"))
        listening.settimeout(PATIENCE)
        address = {"NOTIFY_SOCKET": str(rude.folder / "notify"), "WATCHDOG_USEC": "200000"}
        worker = rude.worker("-P", "threads", **address).wait_ready()
        assert listening.recv(100) == b"READY=1"
        assert {listening.recv(100) for _ in range(3)} == {b"WATCHDOG=1"}
        assert worker.finish() == 0
        listening.setblocking(False)
        left = set()
        while b"STOPPING=1" not in left:
            left.add(listening.recv(100))


def test_a_pid_file_keeps_a_second_worker_out(rude):
    pidfile = rude.folder / "one.pid"
    pidfile.write_text("999999999")  # left by a process that was killed
    worker = rude.worker("-P", "threads", "-n", "one@%h", "--pidfile", "%n.pid").wait_ready()
    assert int(pidfile.read_text()) == worker.process.pid
    second = rude.worker("-P", "threads", "--pidfile", "one.pid")
    assert second.end() == 1
    assert f"says that process {worker.process.pid} is this worker" in second.output
    assert worker.finish() == 0
    assert not pidfile.exists()


def test_a_detached_worker_works_in_the_background(rude):
    tasks = rude.app()
    command = rude.worker("-P", "prefork", "-c", "1", "-n", "back@%h", "--detach", "--pidfile", "back.pid")
    assert command.end() == 0
    log = rude.folder / "back.log"
    wait_until("the worker to be ready", lambda: log.exists() and "is ready" in log.read_text(), PATIENCE)
    pid = int((rude.folder / "back.pid").read_text())
    try:
        assert tasks.add.delay(1, 1).get(timeout=PATIENCE) == 2
        os.kill(pid, signal.SIGHUP)
        wait_until("the second start", lambda: log.read_text().count("is ready") == 2, PATIENCE)
        assert int((rude.folder / "back.pid").read_text()) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        ends(pid)
    assert log.read_text().count("has stopped") == 2
    assert not (rude.folder / "back.pid").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="makes a pid namespace")
def test_as_process_1_it_reaps_orphans_and_hears_signals(rude):
    tasks = rude.app()
    log = rude.folder / "init.log"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SQLQUEUE_BROKER_URL": rude.url}
    worker = [sys.executable, "-m", "sqlqueue", "-A", "tasks", "worker", "-Q", "testq", "-l", "info", "-P", "threads"]
    with log.open("w") as output, subprocess.Popen(
        ["unshare", "--fork", "--pid", "--kill-child", *worker], cwd=rude.folder, env=env, stdout=output, stderr=output
    ) as process:  # fmt: skip
        try:
            wait_until("the worker to be ready", lambda: "is ready" in log.read_text(), PATIENCE)
            (init,) = children(process.pid)
            for result in [tasks.branch.delay() for _ in range(5)]:
                result.get(timeout=PATIENCE)
            wait_until("the orphans to be reaped", lambda: len(children(init)) == 1, PATIENCE)
            os.kill(init, signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert "has stopped" in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["warm", "cold"])
@pytest.mark.parametrize("moment", ["before-cycle", "after-cycle", "claimed", "job-started"])
def test_nothing_claimed_is_lost_at_any_moment_of_a_shutdown(rude, moment, number):
    """The signal comes while the worker stands at that moment; what it held is finished by another."""
    tasks = rude.app()
    first = rude.worker("-P", "threads", "-c", "2", "-n", "first").wait_ready()
    first.hold(moment)
    results = [tasks.add.delay(n, 1) for n in range(20)]
    first.reached(moment)
    first.process.send_signal(number)
    first.wait_for("shutdown,")
    first.release(moment)
    assert first.end() == 0
    second = rude.worker("-P", "threads", "-n", "second").wait_ready()
    assert [result.get(timeout=PATIENCE) for result in results] == [n + 1 for n in range(20)]
    assert second.finish() == 0

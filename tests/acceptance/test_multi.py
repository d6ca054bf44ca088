"""Several workers at once in the background, and what a worker may be told of queues and modules at its start."""

import contextlib
import os
import signal
from pathlib import Path

from tests.support.processes import PATIENCE, wait_until


def multi(place, *words):
    command = place.run("-A", "tasks", "multi", *words)
    return command.end(), command.output


def pid_of(place, name):
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((place.folder / f"{name}.pid").read_text())
    return None


def lives(pid):
    """Whether a process is there that is more than a name."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def test_workers_are_started_found_running_restarted_and_stopped(place):
    tasks = place.app()
    words = ("w1", "w2", "-P", "threads", "-l", "info", "-Q:w1", "one", "-Q:w2", "two")
    pids = []
    try:
        code, said = multi(place, "start", *words)
        pids += [pid_of(place, "w1"), pid_of(place, "w2")]
        assert code == 0
        assert f"started, as process {pids[0]}" in said
        results = [tasks.add.apply_async((2, number), queue=queue) for number, queue in enumerate(("one", "two"))]
        assert [one.get(timeout=PATIENCE) for one in results] == [2, 3]

        code, said = multi(place, "start", *words)
        assert code == 1
        assert f"is running already, as process {pids[1]}" in said

        code, said = multi(place, "restart", *words)
        pids += [pid_of(place, "w1"), pid_of(place, "w2")]
        assert code == 0
        assert not lives(pids[0])
        assert tasks.add.apply_async((1, 1), queue="two").get(timeout=PATIENCE) == 2

        assert multi(place, "stopwait", "w1", "w2")[0] == 0
        assert not any(map(lives, pids))
        assert "has stopped" in (place.folder / "w1.log").read_text()
        assert "is not running" in multi(place, "stop", "w1")[1]
    finally:
        for pid in filter(None, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_worker_that_cannot_start_is_said_so(place):
    code, said = multi(place, "start", "w1", "-P", "solo", "--autoscale", "3,1")
    assert code == 1
    assert "did not start: exit code 1" in said
    assert "a solo pool runs one job at a time" in said


def test_another_signal_goes_only_to_the_worker_whose_pid_it_still_is(place):
    (place.folder / "w1.pid").write_text(f"{os.getpid()}\n")  # the number of a worker that is gone, used again
    code, said = multi(place, "stop", "w1", "-KILL")
    assert (code, "is not running" in said) == (0, True)


def test_names_and_command_lines_are_shown(place):
    assert multi(place, "names", "w1", "w2@x")[1].split()[1] == "w2@x"
    assert "-A tasks worker --detach -n w1@x" in multi(place, "show", "w1@x", "-c", "3")[1]


def test_a_worker_leaves_queues_out_imports_more_and_throws_away_what_waits(place):
    tasks = place.app()
    old = tasks.add.apply_async((1, 1), queue="kept")
    left = tasks.add.apply_async((1, 2), queue="left")
    (place.folder / "more.py").write_text(
        "from tasks import app\n\n\n@app.task(name='more.double')\ndef double(n):\n    return 2 * n\n"
    )
    worker = place.run(
        "-A", "tasks", "worker", "-l", "info", "-P", "threads", "-Q", "kept,left", "-X", "left", "-I", "more",
        "-O", "fair", "--purge",
    ).wait_ready()  # fmt: skip
    assert "1 job thrown away" in worker.output
    assert tasks.app.send_task("more.double", (21,), queue="kept").get(timeout=PATIENCE) == 42
    os.kill(worker.process.pid, signal.SIGHUP)
    wait_until("the second start", lambda: worker.output.count("is ready") == 2)
    assert tasks.app.send_task("more.double", (4,), queue="kept").get(timeout=PATIENCE) == 8
    assert worker.output.count("thrown away") == 1
    assert worker.finish() == 0
    assert (old.exists(), left.exists()) == (False, True)

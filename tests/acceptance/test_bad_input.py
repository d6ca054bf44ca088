"""What users do wrong: one line that names the cause and the fix, exit code not 0, nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import psycopg
import pytest

from sqlqueue import NoWorkerWarning, ResultTimeout, SQLQueue
from sqlqueue.client import waiting as waiting_module
from sqlqueue.testing.server import PostgresServer
from tests.support.processes import wait_until


def refused(command) -> str:
    """Return the one line that a command ended with; no traceback, exit code not 0."""
    assert command.end() != 0
    output = command.output
    assert "Traceback" not in output
    errors = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, output
    return errors[0]


@pytest.fixture
def database_url(sqlite_url):
    """Most of this needs no server."""
    return sqlite_url


def test_no_app(place):
    (place.folder / "tasks.py").unlink()
    line = refused(place.run("worker", "--queue", "testq"))
    for tried in ("-A/--app", "$SQLQUEUE_APP", "pyproject.toml", "tasks.py", "celery_app.py"):
        assert tried in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nosuchmodule\n", "line 1: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("x = 1\n1 / 0\n", "line 2: ZeroDivisionError"),
        ("def broken(:\n", "line 1: SyntaxError"),
        ("raise SystemExit(3)\n", "ended the program"),
        ("x = 1\n", "found none"),
        (
            "from sqlqueue import SQLQueue\na = SQLQueue()\nb = SQLQueue()\n",
            "several: a, b; choose one with -A tasks:NAME",
        ),
    ],
)
def test_a_module_that_fails(place, text, said):
    (place.folder / "tasks.py").write_text(text)
    line = refused(place.run("-A", "tasks", "worker"))
    assert said in line


def test_a_misspelt_module(place):
    assert "did you mean 'tasks'?" in refused(place.run("-A", "taks", "worker"))


def test_two_tasks_of_one_name(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write("\n@app.task(name='tasks.add')\ndef other(): pass\n")
    assert "two tasks are named 'tasks.add'" in refused(place.run("-A", "tasks", "worker"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://shop:s3cr3t@127.0.0.1:1/shop", "Connection refused"),
        ("postgresql://shop:s3cr3t@no-such-host.invalid/shop", "no-such-host.invalid"),
        ("postgresql://shop:s3cr3t@127.0.0.1:bad/shop", "cannot read the database URL"),
        ("postgrseql://shop:s3cr3t@127.0.0.1/shop", "is not a database that sqlqueue knows"),
        ("host=127.0.0.1 password=s3cr3t", "cannot read the database URL"),
        ("sqlite://", "in memory cannot be shared"),
        ("sqlite:////nowhere/at/all/jobs.db", "there is no folder /nowhere/at/all"),
        ("sqlite:////proc/jobs.db", "/proc/jobs.db"),
    ],
)
@pytest.mark.parametrize("command", [["worker", "-P", "threads"], ["call", "tasks.add"], ["migrate"]])
def test_a_database_that_cannot_be_reached(place, url, said, command):
    run = place.run("-A", "tasks", "-b", url, *command)
    line = refused(run)
    assert said in line
    assert "s3cr3t" not in run.output


@pytest.fixture
def guarded_server():
    """A server that asks for passwords on TCP."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    hba = folder / "pg_hba.conf"
    hba.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    with PostgresServer(port=0, settings={"hba_file": str(hba)}) as server:
        server.create_database("shop")
        with psycopg.connect(server.dsn("shop")) as connection:
            connection.execute("CREATE ROLE shop LOGIN PASSWORD 'right'")
        yield server
    shutil.rmtree(folder)


def test_a_wrong_password(place, guarded_server):
    url = f"postgresql://shop:wr0ng-s3cr3t@127.0.0.1:{guarded_server.port}/shop"
    for command in (["migrate"], ["-A", "tasks", "worker", "-P", "threads"]):
        run = place.run("-b", url, *command)
        assert "password authentication failed" in refused(run)
        assert "s3cr3t" not in run.output


def test_no_tables(place, empty_postgres_url):
    line = refused(place.run("-A", "tasks", "-b", empty_postgres_url, "worker", "-P", "threads"))
    assert "there are no sqlqueue tables in postgresql://" in line
    assert "migrate" in line
    place.run("-b", empty_postgres_url, "migrate").end()
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("UPDATE sqlqueue_alembic_version SET version_num = '0000'")
    line = refused(place.run("-A", "tasks", "-b", empty_postgres_url, "worker", "-P", "threads"))
    assert "are of version 0000, this release needs" in line
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("UPDATE sqlqueue_alembic_version SET version_num = '9999'")
    assert "upgrade sqlqueue-jobs" in refused(place.run("-A", "tasks", "-b", empty_postgres_url, "worker"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["worker", "--quue", "x"], "'--queue'"),
        (["worker", "-c", "0"], "concurrency is 0: use 1 or more"),
        (["worker", "-P", "prefrok"], "'prefrok'"),
        (["call", "tasks.add", "--args", "2, 2"], "--args is no JSON"),
        (["call", "tasks.add", "--args", '{"x": 1}'], "give an array"),
        (["call", "tasks.add", "--priority", "99999"], "priority is 99999"),
        (["call", "tasks.add", "--args", '["\\u0000"]'], "args[0] contains a NUL character"),
        (["wroker"], "wroker"),
    ],
)
def test_a_wrong_command_line(place, arguments, said):
    command = place.run("-A", "tasks", *arguments)
    assert said in refused(command)


def test_a_task_nobody_knows(place):
    """The jobs go back uncharged, with one warning; once a worker is there that knows them, they are left to it."""
    worker = place.worker("-P", "threads").wait_ready()
    tasks = place.app()
    known_later = [tasks.app.send_task("tasks.later", [n], queue="testq") for n in range(20)]
    worker.wait_for("this worker has no task named 'tasks.later'")
    with (place.folder / "tasks.py").open("a") as file:
        file.write("\n@app.task(queue='testq')\ndef later(x):\n    return x + 1\n")
    newer = place.worker("-P", "threads", "-n", "newer").wait_ready()
    assert [result.get(timeout=30) for result in known_later] == list(range(1, 21))
    assert newer.finish() == 0
    assert worker.finish() == 0
    assert worker.output.count("has no task named") == 1


def test_a_task_nobody_will_ever_know_fails(place):
    with (place.folder / "tasks.py").open("a") as file:
        file.write("\napp.conf.unknown_task_timeout = 0.5\n")
    worker = place.worker("-P", "threads").wait_ready()
    tasks = place.app()
    lost = tasks.app.send_task("tasks.nobody", queue="testq")
    wait_until("the job to fail", lost.failed)
    assert "no task named 'tasks.nobody'" in str(lost.result)
    assert worker.finish() == 0


def test_nobody_serves_the_queue(place, monkeypatch):
    monkeypatch.setattr(waiting_module, "ASK_FOR_WORKERS_AFTER", 0.2)
    tasks = place.app()
    waiting = tasks.add.apply_async((1, 1), queue="lonely")
    with pytest.warns(NoWorkerWarning, match=r"'lonely'.*no worker is running"), pytest.raises(ResultTimeout):
        waiting.get(timeout=0.5)
    worker = place.worker("-P", "threads").wait_ready()
    with pytest.warns(NoWorkerWarning, match="served queues: testq"), pytest.raises(ResultTimeout):
        waiting.get(timeout=0.5)
    slow = tasks.hold.delay(str(place.folder))
    with pytest.raises(ResultTimeout):
        slow.get(timeout=0.5)  # a warning would be an error here: the queue is served
    (place.folder / "go").touch()
    assert slow.get(timeout=30) == worker.process.pid
    assert worker.finish() == 0


def test_a_file_that_cannot_be_written(tmp_path):
    """As root every file can be; then there is nothing to refuse."""
    path = tmp_path / "jobs.db"
    sqlite3.connect(path).close()
    tmp_path.chmod(0o500)
    path.chmod(0o400)
    app = SQLQueue(broker=f"sqlite:///{path}")
    try:
        app.send_task("t")
        assert os.geteuid() == 0
    except Exception as error:
        assert "give this user write permission" in str(error)  # noqa: PT017 - only an ordinary user gets here
    finally:
        tmp_path.chmod(0o700)
        app.close()

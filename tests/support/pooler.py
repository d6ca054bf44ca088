"""A real transaction pooler before the tests' PostgreSQL: pgbouncer, on a private socket."""

import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from tests.support.processes import wait_until

PORT = 6543
"""Names the socket; nothing listens on TCP."""

CONFIGURATION = """\
[databases]
* = {server}
[pgbouncer]
listen_port = {port}
unix_socket_dir = {folder}
logfile = {folder}/log
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
"""


def program() -> str:
    """Return the pooler's program; without one the test fails, since a test that is skipped proves nothing."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no pgbouncer here (Debian: apt-get install pgbouncer); CI, which installs it, does not skip this")
    assert found, "pgbouncer is missing: CI has to install it"
    return found


@contextmanager
def pooler(server_dsn: str, *, sessions: int) -> Iterator[str]:
    """Start a pooler and yield the URL, without a database, on which it listens.

    Parameters
    ----------
    sessions: how many of the server's sessions all clients of one database share.
    """
    found = conninfo.conninfo_to_dict(server_dsn)
    server = " ".join(f"{key}={found[key]}" for key in ("host", "port", "user", "password") if found.get(key))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sqlqueue-pooler-"))
    (folder / "ini").write_text(CONFIGURATION.format(server=server, port=PORT, folder=folder, sessions=sessions))
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses root
        os.chown(folder, 65534, 65534)
        identity = {"user": 65534, "group": 65534, "extra_groups": []}
    process = subprocess.Popen(
        [program(), str(folder / "ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **identity
    )
    try:
        url = f"postgresql://postgres@/{{}}?host={folder}&port={PORT}"
        wait_until("the pooler to answer", lambda: process.poll() is None and _answers(url.format("postgres")))
        yield url
    finally:
        process.kill()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True

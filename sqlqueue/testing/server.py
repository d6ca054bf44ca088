"""A throwaway PostgreSQL, for tests, demos and benchmarks; never for data that somebody wants back.

    with PostgresServer() as server:
        url = server.create_database("shop")

It runs as root (the server itself then runs as nobody, since PostgreSQL refuses root) and as any user, keeps
its files in shared memory where there is room, and removes the folder it made, also when this process is
killed: a small shell waits at the other end of a pipe for this process to disappear.
"""

import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import types
from collections.abc import Iterable
from typing import Any, Literal, Self

import psycopg
from psycopg import sql

from sqlqueue.testing.binaries import copy_programs, find_binaries, open_to_all, place

NOBODY = 65534  # the uid that owns nothing, on every Unix
READY_WITHIN = 60.0  # seconds; a crash recovery with much to replay takes a few
STOP_WITHIN = 60.0  # seconds; a fast shutdown writes a checkpoint first
CHOOSES_STRATEGY = 150000  # PostgreSQL 15; earlier ones know only the quick way, and no word for it
LOOK_AGAIN = 0.01  # seconds between two looks at a server that is starting

# Nothing survives a crash of the machine, everything survives a crash of the server: what tests need.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # As files in the data folder, so that nothing of ours is left in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}

# Waits until the pipe on its input closes, which it does when our process ends, however that happens.
WATCHER = """\
trap '' INT TERM HUP QUIT
read -r _
kill -QUIT "$1" 2>/dev/null
left=50
while kill -0 "$1" 2>/dev/null && [ "$left" -gt 0 ]; do left=$((left - 1)); sleep 0.1; done
shift
rm -rf -- "$@"
"""


class PostgresServer:
    """One PostgreSQL cluster in a folder of its own; `with` starts it, stops it and removes the folder.

    `stop` and `start` in between keep the data, for tests of crashes and restarts. Clients come through a
    Unix socket; `port` (0 picks a free one) adds TCP on 127.0.0.1. `durable` keeps the server's own defaults
    and puts the files on disk, for benchmarks. `settings` go last, so they win.
    """

    def __init__(
        self,
        bindir: str | os.PathLike[str] | None = None,
        *,
        durable: bool = False,
        max_connections: int = 200,
        port: int | None = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.port = _free_port() if port == 0 else port
        self._bindir = bindir
        self._durable = durable
        self._settings = {
            "max_connections": str(max_connections),
            "listen_addresses": "127.0.0.1" if self.port else "",
            # The socket's name holds the port, and libpq's clients obey PGPORT: so do we.
            "port": str(self.port or os.environ.get("PGPORT") or 5432),
            **({} if durable else FORGETFUL),
            **(settings or {}),
        }
        self._base: pathlib.Path | None = None
        self._folders: list[pathlib.Path] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        """Stop the server and remove its files."""
        self.remove()

    @property
    def base(self) -> pathlib.Path:
        """The folder that holds the socket, the data (`data`) and the server's log (`log`)."""
        if self._base is None:
            raise RuntimeError("the server was not started yet: call start(), or use it in a with statement")
        return self._base

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def dsn(self, dbname: str = "postgres", *, tcp: bool = False) -> str:
        """Return the URL of a database, through the socket or (with `port`) through TCP."""
        if tcp and self.port is None:
            raise ValueError("this server does not listen on TCP: make it with port=0")
        if tcp:
            return f"postgresql://postgres@127.0.0.1:{self.port}/{dbname}"
        where = f"postgresql://postgres@/{dbname}?host={self.base}"
        return f"{where}&port={self.port}" if self.port else where

    def start(self) -> None:
        """Start the server and wait until it answers; the first time, make its files."""
        if self.pid is not None:
            return
        if self._base is None:
            self._initialise()
        options = itertools.chain.from_iterable(("-c", f"{k}={v}") for k, v in self._options())
        with (self.base / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", self.base / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop the server in our own order
                **self._identity(),
            )
        self._watch(self._process.pid)
        self._wait_until_ready(self._process)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server and keep its files; `immediate` is a crash: no checkpoint, recovery at start."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
            self._process.wait(STOP_WITHIN)
            self._process = None
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None

    def remove(self) -> None:
        """Stop the server and remove the folders it made, and nothing else."""
        try:
            self.stop("immediate")  # nobody wants the data back: skip the checkpoint
        finally:
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)
            self._folders, self._base = [], None

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` if given, and return its URL."""
        create_database(self.dsn(), name, template)
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, along with the sessions that use it."""
        drop_database(self.dsn(), name)

    def log(self) -> str:
        """Return what the server has written to its log so far."""
        return (self.base / "log").read_text(errors="replace")

    def _initialise(self) -> None:
        bindir = find_binaries(self._bindir)
        self._base = self._make_folder(in_memory=not self._durable)
        if os.geteuid() == 0 and not open_to_all(bindir / "postgres"):  # a venv below root's home
            bindir = copy_programs(bindir, self._make_folder(for_programs=True))
        self._bindir = bindir
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]
        made = subprocess.run(
            [
                self._program("initdb"),
                "-D",
                self.base / "data",
                *how,
                *([] if self._durable else ["--no-sync"]),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._identity(),
        )
        if made.returncode:
            raise RuntimeError(f"initdb of {bindir} failed:\n{made.stdout.decode(errors='replace')}")

    def _make_folder(self, *, in_memory: bool = False, for_programs: bool = False) -> pathlib.Path:
        folder = pathlib.Path(
            tempfile.mkdtemp(prefix="sqlqueue-pg-", dir=place(in_memory=in_memory, for_programs=for_programs))
        )
        self._folders.append(folder)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    def _program(self, name: str) -> pathlib.Path:
        return pathlib.Path(self._bindir or "") / name

    def _options(self) -> Iterable[tuple[str, str]]:
        return {"unix_socket_directories": str(self.base), **self._settings}.items()

    def _identity(self) -> dict[str, Any]:
        """Who the server is: its folder, its surroundings and, where we are root, nobody."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        surroundings: dict[str, Any] = {
            "cwd": self.base,
            "env": {**kept, "LC_ALL": "C", "HOME": str(self.base)},
        }
        if os.geteuid() == 0:
            surroundings |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return surroundings

    def _watch(self, pid: int) -> None:
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", WATCHER, "watcher", str(pid), *map(str, self._folders)],
            stdin=subprocess.PIPE,  # our end is closed by the system when we are gone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline, pause = time.monotonic() + READY_WITHIN, threading.Event()
        while True:
            try:
                psycopg.connect(self.dsn()).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    self.stop("immediate")
                    raise RuntimeError(f"PostgreSQL did not start; its log says:\n{self.log()}") from error
                pause.wait(LOOK_AGAIN)
            else:
                return


def create_database(admin_dsn: str, name: str, template: str | None = None) -> None:
    """Create a database on any server; the quickest way of copying `template` is taken."""
    statement = sql.SQL("create database {}").format(sql.Identifier(name))
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if template:
            statement += sql.SQL(" template {}").format(sql.Identifier(template))
            if connection.info.server_version >= CHOOSES_STRATEGY:
                statement += sql.SQL(" strategy file_copy")
        connection.execute(statement)


def drop_database(admin_dsn: str, name: str) -> None:
    """Drop a database on any server if it exists, along with the sessions that use it."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

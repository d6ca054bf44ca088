"""What a soak does to a fleet: kills children, workers, connections and the server, at random, from one seed."""

import os
import random
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg

from sqlqueue.testing.processes import family
from sqlqueue.testing.server import PostgresServer
from tests.support.processes import Command

FLEET = (("-P", "prefork", "-c", "2"), ("-P", "threads", "-c", "4"), ("-P", "prefork", "-c", "1"))
"""The options of each worker; one that dies is replaced by another like it."""

WITH_CHILDREN = [n for n, options in enumerate(FLEET) if "prefork" in options]

STOPPED = 1.0
"""Seconds that a stopped process stands still at most."""


class Fleet:
    """Some workers in one folder.

    Parameters
    ----------
    server: the database's own, None where it is a file.
    """

    def __init__(self, folder: Path, url: str, server: PostgresServer | None) -> None:
        self._folder = folder
        self._url = url
        self._server = server
        self._born = 0
        self._deck: list[str] = []  # dealt to its end, so that a short soak too has some of each
        self.workers: list[Command] = []
        self.blows: Counter[str] = Counter()
        for options in FLEET:
            self.workers.append(self._start(options))

    def _start(self, options: tuple[str, ...]) -> Command:
        self._born += 1
        environment = {"SQLQUEUE_BROKER_URL": self._url, "SOAK_FOLDER": str(self._folder)}
        name = ("-n", f"w{self._born}", "-Q", "soak")
        return Command(self._folder, "-A", "tasks", "worker", "--loglevel=info", *name, *options, **environment)

    def blow(self, chance: random.Random) -> None:
        """Do one bad thing."""
        if not self._deck:
            self._deck = ["child", "child", "worker", "worker", "warm", "stop"]
            self._deck += ["sessions", "sessions", "crash"] if self._server is not None else []
            chance.shuffle(self._deck)
        kind = self._deck.pop()
        if getattr(self, f"_{kind}")(chance):
            self.blows[kind] += 1
        self._replace_the_dead()

    def _child(self, chance: random.Random) -> bool:
        """Kill a child; children are the grandchildren of the worker, whose child is the fork server."""
        for n in chance.sample(WITH_CHILDREN, len(WITH_CHILDREN)):
            with suppress(OSError):  # it has just died, or has no children yet
                children = family([self.workers[n].process.pid])[2:]
                if children:
                    os.kill(chance.choice(children), signal.SIGKILL)
                    return True
        return False

    def _worker(self, chance: random.Random) -> bool:
        chance.choice(self.workers).kill()
        return True

    def _warm(self, chance: random.Random) -> bool:
        chance.choice(self.workers).process.send_signal(signal.SIGTERM)
        return True

    def _stop(self, chance: random.Random) -> bool:
        process = chance.choice(self.workers).process
        process.send_signal(signal.SIGSTOP)
        threading.Event().wait(chance.uniform(0, STOPPED))
        process.send_signal(signal.SIGCONT)
        return True

    def _sessions(self, chance: random.Random) -> bool:
        """End some of the sessions that the server has, the sender's among them."""
        assert self._server is not None
        with psycopg.connect(self._url, autocommit=True) as operator:
            operator.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < %s",
                [chance.random()],
            )
        return True

    def _crash(self, chance: random.Random) -> bool:
        """Crash the server; it comes back at once, or after the workers have noticed."""
        assert self._server is not None
        self._server.stop("immediate")
        threading.Event().wait(chance.choice([0.0, 1.0]))
        self._server.start()
        return True

    def _replace_the_dead(self) -> None:
        for n, worker in enumerate(self.workers):
            if worker.process.poll() is not None:
                self.workers[n] = self._start(FLEET[n])

    def make_whole(self) -> None:
        """Replace who is dead or leaving, so that the rest of the work is done."""
        self._replace_the_dead()

    def end(self) -> list[int]:
        """Stop all in good order and return their exit codes; kill who does not."""
        for worker in self.workers:
            worker.wait_ready()  # one that was just born does not hear yet
            worker.process.send_signal(signal.SIGTERM)
        codes = []
        for worker in self.workers:
            try:
                codes.append(worker.process.wait(30))
            finally:
                worker.clean_up()
        return codes

"""Hears that something was committed: LISTEN where there is one, else watching the file's version.

One thread and one connection for a process, whatever waits in it. After every (re)connection, and whenever in doubt,
the hearer is told to look for itself: messages may have been lost.
"""

from __future__ import annotations

import os
import selectors
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlqueue.domain.clock import monotonic
from sqlqueue.errors import StoreUnavailable
from sqlqueue.notify.changes import Changes, changes_of
from sqlqueue.services.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlqueue.store.store import Store

SELF_TEST_SECONDS = 10.0
"""How often the listening session is asked whether it still listens: LISTEN dies silently behind proxies."""

ANSWER_WITHIN = 20.0
"""Seconds after which a connection that gives no answer is given up, as that of a worker's cycles is."""

WATCH_IDLE = 0.006
"""How often the file's version is read, seconds, where the kernel does not tell of writes, or just after one."""

WATCH_EAGER = 0.002
"""The same while a caller waits for a result."""

GLANCE = 0.1
"""The same where the kernel does tell, though it may not of every one."""

COMMIT_TAKES = 0.1
COMMIT_STEP = 0.001
"""Seconds after a write in which its commit is looked for, and until the first such look: each next one comes after
half as long as the write is ago."""

MISSED = 3
"""Commits that the kernel did not tell of, as on a network's file system, after which it is not asked any more."""


class Listener:
    """Calls ``on_message(channel, payload)``, and ``on_doubt()`` when messages may have been missed.

    Both are called in the listener's thread and must return quickly.
    """

    def __init__(
        self,
        store: Store,
        channels: Sequence[str],
        on_message: Callable[[str, str], None],
        on_doubt: Callable[[], None],
        watch: float = WATCH_IDLE,
    ) -> None:
        self._store = store
        self._channels = list(channels)
        self._tuned: list[str] = []
        self._on_message = on_message
        self._on_doubt = on_doubt
        self._watch_every = watch
        self._connection: Any = None
        self._selector: selectors.BaseSelector | None = None
        self._version = -1
        self._tested = 0.0
        self._wakeup = os.pipe() if store.dialect.listens or store.dialect.watches else None
        self._changes: Changes | None = None
        self._written = 0.0  # when the kernel last told of a write
        self._missed = 0
        self.hears = False
        self._ending = False
        self._loop = Loop("listener", self._way_to_hear())

    def _way_to_hear(self) -> Callable[[], float]:
        if self._store.dialect.listens:
            return self._listen
        return self._watch if self._store.dialect.watches else _hear_nothing

    def start(self) -> None:
        """Begin to listen."""
        self._loop.start()

    def tune(self, channels: Sequence[str]) -> None:
        """Listen to these channels from now on."""
        self._channels = list(channels)
        self._wake()

    def stop(self) -> None:
        """Ask to end."""
        self._ending = True
        self._loop.stop()
        self._wake()

    def _wake(self) -> None:
        """Cut the present wait short."""
        if self._wakeup is not None:
            os.write(self._wakeup[1], b"x")

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; then the connection is closed."""
        ended = self._loop.join(timeout)
        if ended:
            self._disconnect()
            for end in self._wakeup or ():
                os.close(end)
            self._wakeup = None
        return ended

    def _listen(self) -> float:
        """Wait for messages, or for the time of the next self-test."""
        try:
            if self._connection is None:
                self._connect()
            if not self._store.dialect.listens:
                self._disconnect()  # the connection has just found a pooler between
                return _hear_nothing()
            if self._tuned != self._channels:
                self._retune()
            ready = self._selector.select(SELF_TEST_SECONDS) if self._selector is not None else []
            for key, _ in ready:
                if key.fileobj is self._connection:
                    self._receive()
                else:
                    os.read(key.fd, 1 << 8)
            if monotonic() - self._tested >= SELF_TEST_SECONDS:
                self._self_test()
        except Exception as error:
            self._disconnect()
            raise StoreUnavailable(f"listening: {error}") from error
        return 0.0

    def _connect(self) -> None:
        self._connection = self._store.listening_connection()
        if not self._store.dialect.listens:
            return
        self._connection.add_notify_handler(lambda message: self._on_message(message.channel, message.payload))
        self._selector = selectors.DefaultSelector()
        for waited in (self._connection, *(self._wakeup or ())[:1]):
            self._selector.register(waited, selectors.EVENT_READ)
        self._tuned = []
        self._retune()
        self._tested = monotonic()
        self.hears = True
        self._on_doubt()

    def _retune(self) -> None:
        """Listen to what is wanted now, and to nothing else."""
        wanted = self._channels
        for word, channels in (
            ("LISTEN", set(wanted).difference(self._tuned)),
            ("UNLISTEN", set(self._tuned).difference(wanted)),
        ):
            for channel in channels:
                self._ask(word + ' "' + channel.replace('"', '""') + '"')
        self._tuned = wanted

    def _receive(self) -> None:
        wire = self._connection.pgconn
        wire.consume_input()
        while (message := wire.notifies()) is not None:
            self._on_message(message.relname.decode(), message.extra.decode())

    def _self_test(self) -> None:
        found = self._ask("SELECT count(*) FROM pg_listening_channels()")
        self._tested = monotonic()
        if found != str(len(set(self._tuned))):
            raise StoreUnavailable("the session listens no more")

    def _ask(self, statement: str) -> str | None:
        """Execute a statement and return the only value that it gives; not for ever, if the server keeps silent."""
        wire, until, value = self._connection.pgconn, monotonic() + ANSWER_WITHIN, None
        wire.send_query(statement.encode())
        while True:
            wire.flush()
            while wire.is_busy():
                if self._ending or (patience := until - monotonic()) <= 0:
                    raise StoreUnavailable("the database does not answer")
                with selectors.DefaultSelector() as selector:
                    selector.register(self._connection, selectors.EVENT_READ)
                    selector.select(min(patience, GLANCE))
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                break
            if result.error_message:
                raise StoreUnavailable(result.error_message.decode(errors="replace"))
            value = result.get_value(0, 0)
        self._receive()
        return value.decode() if value is not None else None

    def _watch(self) -> float:
        """Wait for a commit of another connection, and rest a little after it: where there is one, more follow."""
        if self._connection is None:
            self._connection = self._store.listening_connection()
            self._changes = changes_of(f"{self._store.url.database}-wal")
            self.hears = True
        if self._changes is None:
            self._look()
            return self._watch_every
        ago = monotonic() - self._written
        patience = max(COMMIT_STEP, ago / 2) if ago < COMMIT_TAKES else GLANCE
        if self._changes.wait(patience, (self._wakeup or (0,))[0]):
            self._written = monotonic()
        if not self._look():
            return 0.0
        self._missed = 0 if monotonic() - self._written < GLANCE * 10 else self._missed + 1
        if self._missed >= MISSED:
            self._changes.close()
            self._changes = None
        return self._watch_every

    def _look(self) -> bool:
        """Compare the file's version with the last one seen; it moves with every commit of another connection."""
        ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        if version == self._version:
            return False
        self._version = version
        self._on_doubt()
        return True

    def _disconnect(self) -> None:
        if self._changes is not None:
            self._changes.close()
            self._changes = None
        connection, self._connection = self._connection, None
        self.hears = False
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _hear_nothing() -> float:
    """Rest: where nothing can be heard, those who wait look for themselves."""
    return 60.0

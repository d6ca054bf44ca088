"""A TCP proxy between client and server that can cut a connection, or swallow what the server answers."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes between clients and one server.

    ``swallow`` keeps the server's answers from now on: what was sent is executed, and nobody hears of it. ``swallowed``
    is set when an answer has been kept. ``cut`` resets every connection and passes bytes again on new ones.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._mute = threading.Event()
        self._hushed: set[socket.socket] = set()
        self.swallowed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        self.swallowed.clear()
        self._mute.set()

    def hush(self) -> int:
        """Pass nothing any more on the present connections, which stay open; return how many that are."""
        pairs = list(self._pairs)
        self._hushed = {end for pair in pairs for end in pair}
        return len(pairs)

    def cut(self) -> int:
        """Return how many connections were hit."""
        pairs, self._pairs = self._pairs, set()
        for one in (end for pair in pairs for end in pair):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._mute.clear()
        return len(pairs)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                self._pairs.add((client, server))
                threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source in self._hushed:
                    continue
                if answers and self._mute.is_set():
                    self.swallowed.set()
                else:
                    target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()

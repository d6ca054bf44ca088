"""The sending side: the app of `tasks`, in this process, on the database being measured."""

import contextlib
from collections.abc import Iterator

from .tasks import app


@contextlib.contextmanager
def sender(url: str) -> Iterator[None]:
    """Let the app send to `url` for the length of the block."""
    app.use_broker(url)
    try:
        yield
    finally:
        app.close()

"""``worker --reload``: start the worker over when code has changed. For development."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sqlqueue.domain.clock import SYSTEM_CLOCK
from sqlqueue.errors import ConfigError
from sqlqueue.worker.process import start_over
from sqlqueue.worker.shutdown import Shutdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlqueue.app import SQLQueue
    from sqlqueue.worker.worker import Worker

logger = logging.getLogger("sqlqueue.worker")

LOOK = 1000
"""Milliseconds after which the watcher says that nothing has changed; the first time, that it watches."""


class Reloader:
    """Watches the Python files under the present folder, but for those of virtual environments and the like.

    Raises
    ------
    ConfigError: what watches is not installed.
    """

    def __init__(self) -> None:
        try:
            from watchfiles import PythonFilter, watch
        except ImportError as error:
            raise ConfigError(f"--reload needs watchfiles ({error}): pip install 'sqlqueue-jobs[reload]'") from error
        self._folder = Path.cwd()
        self._began = SYSTEM_CLOCK.now()
        self._watch = watch
        self._filter = PythonFilter()

    def import_app(self, find: Callable[[], SQLQueue]) -> SQLQueue:
        """Return the app; if it cannot be imported, say why, and start over when the code has changed."""
        try:
            app = find()
        except ConfigError as error:
            click.echo(f"Error: {error}\nwaiting for the code to change", err=True)
            next(self._changes())
            start_over()
        return app

    def start(self, worker: Worker) -> None:
        """Watch in a thread; after a change the running tasks finish, and the same command starts over."""
        threading.Thread(target=self._run, args=(worker,), name="sqlqueue-reload", daemon=True).start()

    def _run(self, worker: Worker) -> None:
        changed = next(self._changes())
        logger.warning("%s has changed: the worker starts over when its running tasks are done", changed)
        worker.restarting = True
        worker.stop(Shutdown.WARM)

    def _changes(self) -> Iterator[str]:
        """Yield what has changed since this was made."""
        missed: list[Path] | None = None
        for found in self._watch(self._folder, watch_filter=self._filter, rust_timeout=LOOK, yield_on_timeout=True):
            if missed is None:  # it watches from now on; what was written before that, it does not tell
                missed = self._written_since(self._began)
            for path in [*missed, *sorted(Path(path) for _, path in found)]:
                yield str(path.relative_to(self._folder))

    def _written_since(self, moment: datetime) -> list[Path]:
        """Return the files of imported modules that were written since then."""
        named = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        files = {Path(name) for name in named if name is not None}
        ours = [path for path in files if path.is_relative_to(self._folder) and path.exists()]
        since, now = moment.timestamp(), SYSTEM_CLOCK.now().timestamp()
        return sorted(path for path in ours if since < path.stat().st_mtime <= now)

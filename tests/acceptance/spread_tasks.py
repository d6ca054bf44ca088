"""The tasks of the test of broadcast queues; written over ``tasks.py`` in their folder."""

import threading
from pathlib import Path

from sqlqueue import Broadcast, SQLQueue

app = SQLQueue("tasks", task_queues=["testq", Broadcast("news")])


@app.task(queue="news", bind=True)
def visit(self, folder: str) -> str:
    """Say which worker is here, and wait until the test says go."""
    Path(folder, f"at-{self.request.hostname}").touch()
    while not Path(folder, "go").exists():
        threading.Event().wait(0.01)
    return self.request.hostname

"""Tasks that look at what their process has inherited; written over ``tasks.py`` in their folder."""

import os
import random
import threading
from pathlib import Path

from sqlqueue import SQLQueue

app = SQLQueue("tasks")
random.seed(1)  # noqa: TID251


@app.task(queue="testq")
def add(x: int, y: int) -> int:
    return x + y


@app.task(queue="testq")
def look() -> dict[str, object]:
    open_files = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            open_files.append(str(link.readlink()))
        except FileNotFoundError:  # the folder itself
            continue
    return {
        "pid": os.getpid(),
        "chance": random.random(),  # noqa: TID251
        "threads": threading.active_count(),
        "files": [name for name in open_files if name.startswith("socket") or ".db" in name],
    }


@app.task(queue="testq")
def send_on(n: int) -> str:
    return add.delay(n, n).id


assert app.AsyncResult("nobody").state == "PENDING", "a module that uses the database while it is imported"

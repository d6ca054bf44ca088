"""Tasks that do what no task should; written over ``tasks.py`` in their folder."""

import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

from sqlqueue import SQLQueue, Task, get_task_logger

app = SQLQueue("tasks", task_max_size=2 << 20, result_max_size=2 << 20)
logger = get_task_logger(__name__)


class Unpicklable(Exception):
    def __init__(self, first, second):
        super().__init__("a lock")
        self.lock = threading.Lock()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


@app.task(queue="testq")
def add(x: int, y: int) -> int:
    return x + y


@app.task(queue="testq")
def repeat(text: str, times: int) -> str:
    return text * times


@app.task(queue="testq")
def flood(mebibytes: int) -> int:
    for _ in range(mebibytes << 10):
        print("x" * 1023)  # noqa: T201
    return mebibytes


@app.task(queue="testq")
def move(folder: str) -> str:
    os.chdir(folder)
    return str(Path.cwd())


@app.task(queue="testq")
def deafen() -> bool:
    """Ignore every signal that can be ignored, where a task may."""
    if threading.current_thread() is not threading.main_thread():
        return False
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    return True


@app.task(queue="testq")
def leave() -> None:
    sys.exit(3)


@app.task(queue="testq")
async def aleave() -> None:
    sys.exit(3)


class Leaving(Task):
    """A class whose hooks want to end the process."""

    def before_start(self, _, args, __):
        if args[0] == "before":
            sys.exit(3)

    def on_success(self, *_):
        raise KeyboardInterrupt

    def on_failure(self, *_):
        sys.exit(5)

    def after_return(self, *_):
        sys.exit(5)


class Resisting(Exception):
    """Says nothing of itself."""

    args = property(lambda self: self.nothing)


@app.task(queue="testq", base=Leaving)
def hooked(when: str) -> str:
    if when == "resist":
        raise Resisting
    return when


@app.task(queue="testq")
def interrupt() -> None:
    raise KeyboardInterrupt


@app.task(queue="testq")
async def ainterrupt() -> None:
    raise KeyboardInterrupt


@app.task(queue="testq")
def unstorable() -> object:
    return {"lock": threading.Lock()}


@app.task(queue="testq")
def unpicklable() -> None:
    raise Unpicklable(1, 2)


@app.task(queue="testq")
def mute() -> None:
    raise Mute


@app.task(queue="testq")
def branch() -> None:
    """Start a program, which starts another and leaves it to whoever is process 1."""
    subprocess.run(["sh", "-c", "sleep 0.05 & exit 0"], check=True)


@app.task(queue="testq")
def split() -> list[int]:
    """Fork twice, and let the children come back from the task, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads that a fork does not take along
        quiet = os.fork()
        if not quiet:
            return [0]
        loud = os.fork()
    if not loud:
        sys.exit(5)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in (quiet, loud)]


@app.task(queue="testq")
def speak() -> None:
    print("printed by a task")  # noqa: T201
    logger.info("logged by a task")
    logging.getLogger("elsewhere").warning("said by a library")


@app.task(queue="testq")
def hold(folder: str) -> int:
    Path(folder, f"held-by-{os.getpid()}").touch()
    while not Path(folder, "go").exists():
        threading.Event().wait(0.01)
    return os.getpid()

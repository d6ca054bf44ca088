"""An app whose tasks are those of the workflows, and a worker in this process that runs them."""

import threading

import pytest

from sqlqueue import SQLQueue
from sqlqueue.tasks.signature import Signature
from tests.support import ambient  # noqa: F401 - signatures of no app have none here
from tests.support.inprocess import working


class Stage:
    """The tasks, and what they have done."""

    def __init__(self, url: str) -> None:
        self.app = app = SQLQueue("stage", broker=url)
        self.seen: list[object] = []
        self.gates = {number: threading.Event() for number in range(3)}
        self.add = app.task(name="add")(lambda x, y=0: x + y)
        self.identity = app.task(name="identity")(lambda x: x)
        self.total = app.task(name="total")(lambda numbers, more=0: sum(numbers) + more)
        self.note = app.task(name="note")(self._note)
        self.wait_for_gate = app.task(name="wait_for_gate")(self._wait_for_gate)
        self.swap = app.task(name="swap", bind=True)(self._swap)
        self.stamps = app.task(name="stamps", bind=True)(self._stamps)
        self.grow = app.task(name="grow", bind=True)(self._grow)
        self.told = app.task(name="told")(self._told)
        self.told_all = app.task(name="told_all")(self._told_all)
        self.mark = app.task(name="mark")(lambda _, label: self.seen.append(label))
        self.parent = app.task(name="parent")(self._parent)
        self.fail = app.task(name="fail")(self._fail)
        self.ids = app.task(name="ids", bind=True)(self._ids)

    def _note(self, *args, **kwargs):
        self.seen.append((*args, kwargs) if kwargs else args)
        return args[0] if args else None

    def _wait_for_gate(self, number):
        self.gates[number].wait(30)
        return number

    def _swap(self, task, *given, sig):
        """Put in its place what ``sig`` says, called with what it was given itself."""
        task.replace(self.app.signature(sig, given))

    @staticmethod
    def _stamps(task, *_):
        return [task.request.stamped_headers, task.request.stamps]

    def _grow(self, task, value, *, sig):
        """Add ``sig`` to the chord that this is a member of."""
        task.add_to_chord(self.app.signature(sig))
        return value

    def _told(self, job_id):
        self.seen.append(job_id)

    def _parent(self):
        return self.ids.delay().id

    def _told_all(self, request, exc, traceback):
        self.seen.append((request.id, request.task, request.args, repr(exc), "ValueError" in traceback))

    @staticmethod
    def _fail(*_, message="no"):
        raise ValueError(message)

    @staticmethod
    def _ids(task, *_):
        request = task.request
        return [request.id, request.root_id, request.parent_id, request.group]


@pytest.fixture(autouse=True)
def no_ambient_app(monkeypatch):
    """Signatures of no app have none, though another test may have imported ``sqlqueue.celery``."""
    monkeypatch.setattr(Signature, "of_no_app", None)


@pytest.fixture
def stage(database_url):
    """Tasks, and nobody to run them yet."""
    found = Stage(database_url)
    yield found
    found.app.close()


@pytest.fixture
def running(stage):
    """Tasks, and a worker that runs them."""
    with working(stage.app):
        yield stage

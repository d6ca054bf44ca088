"""A folder with an app, and commands run in it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from sqlqueue.store.migrate import upgrade
from sqlqueue.testing.server import PostgresServer
from tests.support.processes import Command

TASKS = Path(__file__).parent / "shop_tasks.py"


class Place:
    """A user's folder: ``tasks.py`` and a database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.commands: list[Command] = []
        (folder / "tasks.py").write_text(TASKS.read_text())

    def run(self, *arguments: str, module: str = "sqlqueue", **environment: str) -> Command:
        command = Command(self.folder, *arguments, module=module, SQLQUEUE_BROKER_URL=self.url, **environment)
        self.commands.append(command)
        return command

    def worker(self, *arguments: str, **environment: str) -> Command:
        return self.run("-A", "tasks", "worker", "--loglevel=info", "--queue", "testq", *arguments, **environment)

    def app(self):
        """Import the app here, as a web process would."""
        spec = importlib.util.spec_from_file_location("tasks", self.folder / "tasks.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["tasks"] = module
        spec.loader.exec_module(module)
        return module


@pytest.fixture
def place(tmp_path, database_url, monkeypatch):
    monkeypatch.setenv("SQLQUEUE_BROKER_URL", database_url)
    place = Place(tmp_path, database_url)
    yield place
    for command in place.commands:
        command.clean_up()
    module = sys.modules.pop("tasks", None)
    if module is not None:
        module.app.close()


@pytest.fixture
def own_server():
    """A server of the test's own, to be stopped and started."""
    with PostgresServer(settings={"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}) as server:
        server.create_database("shop")
        upgrade(server.dsn("shop"))
        yield server

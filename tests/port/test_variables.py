"""Options of the command line that stand in the environment, under Celery's names."""

import click
import pytest

from sqlqueue.celery import bin as celery_bin
from sqlqueue.cli import main


def told(prefix):
    """Return what a worker is told."""
    root = click.Context(main, auto_envvar_prefix=prefix)
    command = main.get_command(root, "worker")
    assert command is not None
    return command.make_context("worker", [], parent=root).params


def test_celerys_names_go_before_ours(monkeypatch):
    monkeypatch.setenv("CELERY_WORKER_CONCURRENCY", "4")
    monkeypatch.setenv("SQLQUEUE_WORKER_CONCURRENCY", "3")
    monkeypatch.setenv("SQLQUEUE_WORKER_LOGLEVEL", "info")
    found = told(celery_bin.PREFIX)
    assert (found["concurrency"], found["loglevel"]) == (4, "info")
    assert told(None)["concurrency"] == 3


@pytest.mark.parametrize(
    ("environment", "words", "found"),
    [
        ({"CELERY_WORKER_POOL": "gevent"}, "worker", "worker -P asyncio -n celery@%h"),
        ({"CELERY_WORKER_POOL": "gevent"}, "worker -P solo", "worker -P solo -n celery@%h"),
        ({"CELERY_WORKER_HOSTNAME": "w@h"}, "worker", "worker"),
        ({"CELERY_WORKER_POOL": "gevent"}, "status", "status"),
        ({"APP": "shop:app", "BROKER_URL": "sqlite:///b"}, "status", "-A shop:app -b sqlite:///b status"),
        ({"APP": "shop:app", "BROKER_URL": "sqlite:///b"}, "-A a:b -b c status", "-A a:b -b c status"),
    ],
)
def test_what_celerys_command_line_reads(monkeypatch, environment, words, found):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert celery_bin.with_environment(words.split()) == found.split()

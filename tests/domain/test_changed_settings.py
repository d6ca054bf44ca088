"""Settings that were changed after the app was imported, on their way to children that import it anew."""

import re
from datetime import timedelta

import pytest

from sqlqueue.config import Config
from sqlqueue.errors import ConfigError
from sqlqueue.worker.changed import changes, noted, take


def test_what_was_changed_and_nothing_else_is_taken():
    parent, child = Config(), Config(task_routes={"a": {"queue": "b"}}, timezone="Europe/Berlin")
    parent.task_routes = {"a": {"queue": "b"}}
    before = noted(parent)
    assert changes(before, parent) == "{}"
    parent.task_routes["c"] = {"queue": "d"}  # in place
    parent.update(result_expires=timedelta(hours=1), imports=("one", "two"), worker_concurrency=None)
    take(child, changes(before, parent))
    assert child.task_routes == {"a": {"queue": "b"}, "c": {"queue": "d"}}
    assert (child.result_expires, list(child.imports), child.timezone) == (3600, ["one", "two"], "Europe/Berlin")


def test_what_cannot_be_written_is_refused_where_it_was_changed():
    conf = Config(task_routes={re.compile("a"): "b"})
    before = noted(conf)
    assert changes(before, conf) == "{}"
    conf.task_annotations = {"*": {"on_failure": print}}
    with pytest.raises(ConfigError, match=r"has set task_annotations .* spawned children .*: set it where the app"):
        changes(before, conf)

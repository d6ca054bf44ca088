"""Where an app of a Celery project looks for tasks: packages, what settings name; see ``test_django`` for its apps."""

import sys

import pytest

from sqlqueue import ConfigError, SQLQueue
from sqlqueue.celery.bin import _Given
from sqlqueue.celery.signals import import_modules

SHOP = {
    "shop/__init__.py": "",
    "shop/tasks.py": "from sqlqueue.celery import shared_task\n\n@shared_task\ndef found():\n    return 1\n",
    "shop/jobs.py": "",
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write packages that can be imported."""

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    yield write
    for name in list(sys.modules):
        if name.partition(".")[0] == "shop":
            del sys.modules[name]


def imported():
    return sorted(name for name in sys.modules if name.startswith("shop."))


def test_without_packages_and_django_nothing_is_found(celery, written):
    written(SHOP)
    celery.autodiscover_tasks()
    assert celery.discovery.import_all() == []
    with pytest.raises(ConfigError, match="is for Django: name them"):
        SQLQueue("shop").autodiscover_tasks(force=True)


def test_named_packages_and_who_hears_of_it(celery, written):
    written(SHOP)
    heard = []

    @import_modules.connect
    def hear(sender, **_):
        heard.append((sender, imported()))

    celery.conf.imports = ["shop.jobs"]
    celery.autodiscover_tasks(["shop", "json.decoder"])
    celery.loader.import_default_modules()
    assert imported() == ["shop.jobs", "shop.tasks"]
    assert heard == [(celery, [])], "before anything is imported"
    assert celery.tasks["shop.tasks.found"].delay().id
    with pytest.raises(ConfigError, match="no package 'shopp'"):
        celery.autodiscover_tasks(lambda: ["shopp"], force=True)


def test_a_worker_of_a_given_app(celery, written):
    written(SHOP)
    celery.autodiscover_tasks(["shop"])
    assert _Given(None, None, celery).find_app() is celery
    assert imported() == ["shop.tasks"]

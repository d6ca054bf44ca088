"""The settings of Celery 5.7, one by one, and the ways in which an app of a Celery project is told them."""

import multiprocessing
import pickle
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sqlqueue import ConfigError, SQLQueue
from sqlqueue.celery import Celery, _state
from sqlqueue.celery.app.madeup import made_up
from sqlqueue.celery.exceptions import ImproperlyConfigured
from sqlqueue.celery.utils.nodenames import worker_direct
from sqlqueue.config import _NAMES, Config
from sqlqueue.settings.names import OTHER_STORES, REASONS, REFUSALS, asks
from sqlqueue.testing.drain import drain

ALL = (Path(__file__).parent / "settings_of_celery.txt").read_text().split()
WAYS: dict[str, Any] = {
    "supported": _NAMES,
    "without effect": REASONS,
    "refused": REFUSALS,
    "of other stores": OTHER_STORES,
}


def conf():
    return Celery("proj", set_as_current=False).conf


@pytest.mark.parametrize("name", ALL)
def test_every_setting_is_in_one_list(name):
    found = [way for way, names in WAYS.items() if name in names]
    assert len(found) == 1, f"{name} is in several lists, or in none: {found}"


def test_the_lists_name_nothing_else():
    assert len(ALL) == 207
    assert sorted({*REASONS, *REFUSALS, *OTHER_STORES} - set(ALL)) == []


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_refused_setting_says_what_instead(name):
    why, default = REFUSALS[name]
    with pytest.raises(ConfigError, match=f"no setting '{name}'") as raised:
        SQLQueue(config_source={name: default})
    assert why in str(raised.value)
    with pytest.raises(ConfigError, match="no setting"):
        SQLQueue(config_source={name.upper(): default})
    ported = conf()
    ported[name] = default
    ported[name] = None
    assert not asks(name, default)


@pytest.mark.parametrize("name", sorted(REFUSALS.keys() - {"task_reject_on_worker_lost", "task_retry_on_worker_lost"}))
def test_a_ported_project_may_not_ask_for_what_is_not_here(name):
    with pytest.raises(ImproperlyConfigured, match=f"the setting {name}"):
        conf()[name] = False if REFUSALS[name][1] is True else "something"


@pytest.mark.parametrize("name", sorted(OTHER_STORES))
def test_settings_of_other_stores(name):
    with pytest.raises(ConfigError, match="results are kept beside the jobs"):
        SQLQueue(config_source={name: "x"})
    ported = conf()
    ported[name] = "x"
    assert ported[name] == "x"


@pytest.mark.parametrize("name", sorted(REASONS))
def test_settings_without_effect_are_kept(name):
    said: dict[str, Any] = {name: "x"}
    for app in (SQLQueue(**said), Celery(set_as_current=False, **said)):
        assert app.conf[name] == app.conf[name.upper()] == "x"


OLD = {
    "BROKER_URL": "broker_url", "CELERY_RESULT_BACKEND": "result_backend", "CELERYD_CONCURRENCY": "worker_concurrency",
    "CELERYD_POOL": "worker_pool", "CELERYD_MAX_TASKS_PER_CHILD": "worker_max_tasks_per_child",
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit", "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERY_ACKS_LATE": "task_acks_late", "CELERY_ALWAYS_EAGER": "task_always_eager", "CELERY_IMPORTS": "imports",
    "CELERY_EAGER_PROPAGATES_EXCEPTIONS": "task_eager_propagates", "CELERY_IGNORE_RESULT": "task_ignore_result",
    "CELERY_DEFAULT_QUEUE": "task_default_queue", "CELERY_DEFAULT_RATE_LIMIT": "task_default_rate_limit",
    "CELERY_QUEUES": "task_queues", "CELERY_ROUTES": "task_routes", "CELERY_ANNOTATIONS": "task_annotations",
    "CELERY_TASK_RESULT_EXPIRES": "result_expires", "CELERY_TASK_SERIALIZER": "task_serializer",
    "CELERY_RESULT_SERIALIZER": "result_serializer", "CELERY_ACCEPT_CONTENT": "accept_content",
    "CELERY_TIMEZONE": "timezone", "CELERY_REDIRECT_STDOUTS": "worker_redirect_stdouts",
    "CELERY_WORKER_DIRECT": "worker_direct", "CELERY_DISABLE_RATE_LIMITS": "worker_disable_rate_limits",
    "CELERYD_LOG_FORMAT": "worker_log_format", "CELERYD_TASK_LOG_FORMAT": "worker_task_log_format",
    "CELERY_CREATE_MISSING_QUEUES": "task_create_missing_queues", "CELERY_INCLUDE": "include",
    "CELERYBEAT_SCHEDULE": "beat_schedule", "CELERY_ENABLE_UTC": "enable_utc", "CELERY_RESULT_DBURI": "database_url",
    "CELERYD_PREFETCH_MULTIPLIER": "worker_prefetch_multiplier", "CELERY_MAX_CACHED_RESULTS": "result_cache_max",
}  # fmt: skip


@pytest.mark.parametrize("old", OLD)
def test_an_old_name_is_the_same_setting(old):
    new = OLD[old]
    if new in REFUSALS:
        with pytest.raises(ConfigError, match=REFUSALS[new][0]):
            SQLQueue(config_source={old: {"x": 1}})
        return
    ported = conf()
    value = ported[new] if new in _NAMES else "x"
    value = {"result_expires": 70, "worker_concurrency": 3, "task_always_eager": True}.get(new, value)
    ported[old] = value
    assert ported[new if new not in OTHER_STORES else old] == value
    if new not in OTHER_STORES:
        assert SQLQueue(config_source={old: value}).conf[new] == value


def test_spans_of_time_and_what_is_nothing_in_celery():
    ported = conf()
    ported.update(result_expires=timedelta(hours=2), timezone=None, worker_concurrency="auto")
    assert (ported.result_expires, ported.timezone, ported.worker_concurrency) == (7200, "UTC", None)
    ported.result_expires = 0
    assert ported.result_expires is None
    assert Config.from_environment({"SQLQUEUE_WORKER_CONCURRENCY": "auto"}).worker_concurrency is None


def test_asking_the_settings():
    ported = conf()
    ported.update(worker_concurrency=3, CELERY_TIMEZONE="Europe/Oslo", redis_password="hidden", my_own=1)
    assert ported.find_option("concurrency")[:2] == ("worker", "concurrency")
    assert ported.find_option("expires", "result") == ("result", "expires", 7 * 86400.0)
    assert ported.find_option("worker_pool") == ("worker", "pool", "prefork")
    assert ported.find_value_for_key("concurrency") == ported.get_by_parts("worker", "concurrency") == 3
    with pytest.raises(KeyError):
        ported.find_option("nothing_of_that_name")
    assert [ported.value_set_for(one) for one in ("timezone", "my_own", "imports")] == [True, True, False]
    assert ported.without_defaults().keys() == ported.changes.keys() >= {"worker_concurrency", "my_own"}
    assert ported.first("result_backend", "worker_concurrency") == 3
    assert "worker_concurrency: 3" in ported.humanize().splitlines()
    assert "hidden" not in ported.humanize() + str(ported.table(with_defaults=True))
    assert "hidden" in ported.humanize(censored=False)
    assert ported.table().keys() < ported.table(with_defaults=True).keys()
    assert ported.setdefault("my_own", 2) == 1


def test_defaults_are_for_what_nobody_has_said():
    app = Celery("proj", set_as_current=False, timezone="Europe/Oslo")
    app.add_defaults({"timezone": "Asia/Tokyo", "my_own": 1})
    app.add_defaults(lambda: {"my_own": 2, "CELERY_DEFAULT_QUEUE": "said"})
    assert (app.conf.timezone, app.conf.my_own, app.conf.task_default_queue) == ("Europe/Oslo", 1, "said")


def test_settings_on_the_command_line(celery, monkeypatch):
    celery.config_from_cmdline(["worker.concurrency=3", "task_default_queue=mail", ".my_own=x"])
    assert (celery.conf.worker_concurrency, celery.conf.task_default_queue) == (3, "mail")
    assert celery.conf.celery_my_own == "x"
    with pytest.raises(ConfigError, match="use name=value"):
        celery.config_from_cmdline(["nonsense"])
    with pytest.raises(ConfigError, match=r"worker\.concurrency is 'x': use a number"):
        celery.config_from_cmdline(["worker.concurrency=x"])


def test_where_the_environment_says_the_broker_is(monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", "sqla+sqlite:///said.db")
    assert Celery(broker="sqlite:///written.db", set_as_current=False).conf.broker_url == "sqlite:///said.db"
    monkeypatch.setenv("CELERY_BROKER_READ_URL", "sqlite:///other.db")
    with pytest.raises(ConfigError, match=r"\$CELERY_BROKER_READ_URL is set"):
        Celery(set_as_current=False)


def test_the_app_of_code_that_has_none(tmp_path, monkeypatch):
    (tmp_path / "celeryconfig.py").write_text("task_default_queue = 'usual'\n")
    (tmp_path / "other_celeryconfig.py").write_text("task_default_queue = 'named'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert made_up().conf.task_default_queue == "usual"
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "other_celeryconfig")
    assert _state.get_current_app().conf.task_default_queue == "named"
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "nowhere_celeryconfig")
    with pytest.raises(ConfigError, match="no module 'nowhere_celeryconfig'"):
        made_up()
    for name in ("celeryconfig", "other_celeryconfig"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["loader", "amqp", "events", "log", "control"])
def test_parts_of_ones_own_are_refused(name):
    usual: dict[str, Any] = {name: f"celery.app.{name}:Usual"}
    Celery(set_as_current=False, **usual)
    with pytest.raises(ImproperlyConfigured, match=f"Celery\\({name}='proj:Own'\\)"):
        Celery(set_as_current=False, **{**usual, name: "proj:Own"})


@pytest.mark.parametrize("name", ["pool", "producer_pool", "steps", "user_options", "Worker", "Beat", "annotations"])
def test_parts_that_are_not_here_say_what_instead(name):
    app = Celery("proj", set_as_current=False)
    with pytest.raises(ImproperlyConfigured, match=f"has no {name}: "):
        getattr(app, name)
    assert not hasattr(app, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing_like_it'"):
        _ = app.nothing_like_it


def test_signing_with_certificates_is_refused_and_says_what_instead(celery, add):
    with pytest.raises(ImproperlyConfigured, match=r"task_signing_keys, see docs/signing\.md"):
        celery.setup_security(allowed_serializers=["auth"], key="server.key", cert="server.pem", store="certs/*.pem")
    with pytest.raises(ImproperlyConfigured, match=r"security_key: .*task_signing_keys, see docs/signing\.md"):
        celery.conf.update(security_key="server.key")
    with pytest.raises(ImproperlyConfigured, match=r"'auth': .*task_signing_keys, see docs/signing\.md"):
        add.apply_async((1,), serializer="auth")
    celery.conf.update(task_serializer="auth", accept_content=["auth"])
    with pytest.raises(ImproperlyConfigured, match=r"'auth': .*task_signing_keys, see docs/signing\.md"):
        add.delay(1)
    assert celery.queues.counts() == []


def test_an_app_hears_of_itself(database_url):
    heard: list[Any] = []

    class App(Celery):
        def on_init(self):
            heard.append("init")

    with App("proj", broker=database_url, set_as_current=False, task_default_queue="first") as app:

        @app.on_configure.connect
        def configure(sender, **_):
            heard.append("configure")
            sender.conf.task_default_queue = "second"

        @app.on_after_configure.connect
        def configured(sender, source, **_):
            heard.append(source.task_default_queue)

        @app.on_after_finalize.connect
        def finalized(sender, **_):
            heard.append(sorted(sender.tasks))

        app.task(name="one")(lambda: 1)
        assert heard == ["init"]
        result = app.tasks["one"].delay()
        assert heard[:3] == ["init", "configure", "second"]
        assert "one" in heard[3]
        assert len(drain(app)) == 1
        assert (result.queue, len(heard)) == ("second", 4)


def _heard_in_a_child(app, pipe):
    pipe.send(app.conf.my_own)


def test_a_child_hears_that_it_was_forked(celery):
    celery.on_after_fork.connect(lambda sender, **_: sender.conf.update(my_own="forked"), weak=False)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_heard_in_a_child, args=(celery, theirs))
    child.start()
    assert ours.recv() == "forked"
    child.join()
    ours.close()
    theirs.close()


def test_an_app_is_sent_to_another_process(celery, add):
    celery.conf.update(my_own=3, task_default_queue="mail")
    with pickle.loads(pickle.dumps(celery)) as found:
        assert (found.main, found.conf.my_own, found.conf.broker_url) == ("proj", 3, celery.conf.broker_url)
        assert found is not celery
        result = found.tasks["add"].delay(1, 1)
    drain(celery)
    assert celery.AsyncResult(result.id).get(timeout=30) == 2


def test_queues_are_chosen(celery, add):
    celery.select_queues(["mail", "video"])
    for queue in ("mail", "video", "celery"):
        add.apply_async((1,), queue=queue)
    assert len(drain(celery)) == 2
    assert worker_direct("w1@here") == "w1@here.dq2"


def test_where_and_when_it_is(celery):
    celery.conf.timezone = "Europe/Oslo"
    assert (celery.timezone.key, celery.uses_utc_timezone()) == ("Europe/Oslo", False)
    assert celery.now().tzinfo is not None
    assert celery.oid == celery.oid != Celery("proj", set_as_current=False).oid
    assert celery.current_worker_task is None

"""Settings: checked when they are set, wherever they come from."""

from __future__ import annotations

import pytest

from sqlqueue import Config, ConfigError, SQLQueue


def test_the_environment_says_what_nobody_else_does(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_BROKER_NOTIFICATIONS", "no")
    monkeypatch.setenv("SQLQUEUE_RESULT_EXPIRES", "3600")
    monkeypatch.setenv("SQLQUEUE_WORKER_CONCURRENCY", "4")
    monkeypatch.setenv("SQLQUEUE_TASK_DEFAULT_QUEUE", "mail")
    app = SQLQueue(task_default_queue="chosen")
    assert app.conf.broker_notifications is False
    assert app.conf.result_expires == 3600.0
    assert app.conf.worker_concurrency == 4
    assert app.conf.task_default_queue == "chosen"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BROKER_NOTIFICATIONS", "perhaps", "use true or false"),
        ("RESULT_EXPIRES", "a week", "use a number"),
        ("WORKER_CONCURRENCY", "0", "use a number from 1"),
        ("WORKER_POOL", "eventlet", "use one of prefork, threads, asyncio, solo"),
    ],
)
def test_nonsense_in_the_environment(name, text, said):
    with pytest.raises(ConfigError, match=said):
        Config.from_environment({f"SQLQUEUE_{name}": text})


def test_an_unknown_setting():
    with pytest.raises(ConfigError, match="did you mean 'task_default_queue'"):
        SQLQueue(task_defaultqueue="q")
    with pytest.raises(ConfigError, match="no setting 'nonsense'"):
        SQLQueue().conf.update(nonsense=1)


def test_timezone_must_exist():
    with pytest.raises(ConfigError, match="IANA"):
        SQLQueue(timezone="Europe/Atlantis")


class OldNames:
    BROKER_URL = "sqlite:///old.db"
    CELERY_RESULT_BACKEND = "sqlite:///old.db"
    CELERY_TASK_SERIALIZER = "json"
    CELERY_RESULT_SERIALIZER = "json"
    CELERY_TIMEZONE = "Europe/Oslo"
    CELERY_ENABLE_UTC = True
    CELERY_TASK_RESULT_EXPIRES = 3600
    CELERY_DEFAULT_QUEUE = "old"
    CELERYD_CONCURRENCY = 3
    helper = "not a setting"


NEW = {"broker_url": "sqlite:///new.db", "timezone": "Europe/Oslo", "task_default_queue": "new"}


@pytest.mark.parametrize("source", [OldNames, OldNames(), {k: v for k, v in vars(OldNames).items() if k[0].isupper()}])
def test_old_names_from_a_class_an_object_and_a_dict(source):
    app = SQLQueue()
    app.config_from_object(source)
    assert (app.conf.broker_url, app.conf.timezone, app.conf.task_default_queue) == (
        "sqlite:///old.db",
        "Europe/Oslo",
        "old",
    )
    assert (app.conf.result_expires, app.conf.worker_concurrency) == (3600, 3)
    assert app.conf.CELERY_TIMEZONE == app.conf["CELERY_TIMEZONE"] == app.conf["timezone"]
    assert str(app.store.url.database).endswith("old.db"), "the same URL as the broker's is accepted as result_backend"


def test_new_names_from_a_module_by_name_by_attribute_and_by_variable(tmp_path, monkeypatch):
    lines = "\n".join(f"{name} = {value!r}" for name, value in NEW.items())
    (tmp_path / "shop_settings.py").write_text(f"import os\nBASE = 1\nnested = {NEW!r}\n{lines}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SHOP_SETTINGS", "shop_settings")
    for read in (
        lambda app: app.config_from_object("shop_settings"),
        lambda app: app.config_from_object("shop_settings:nested"),
        lambda app: app.config_from_envvar("SHOP_SETTINGS"),
        lambda app: app.config_from_object(__import__("shop_settings")),
    ):
        app = SQLQueue()
        read(app)
        assert app.conf.task_default_queue == "new"
    assert SQLQueue(config_source="shop_settings").conf.timezone == "Europe/Oslo"
    assert SQLQueue(config_source="shop_settings", timezone="Asia/Tokyo").conf.timezone == "Asia/Tokyo"


def test_update_attribute_and_item():
    conf = SQLQueue().conf
    conf.update(CELERY_DEFAULT_QUEUE="a", timezone="Europe/Oslo")
    assert conf.task_default_queue == "a"
    conf.CELERY_DEFAULT_QUEUE = "b"
    assert conf["task_default_queue"] == "b"
    conf["task_default_queue"] = "c"
    assert conf.get("CELERY_DEFAULT_QUEUE") == "c"
    assert "nonsense" not in conf
    assert conf.get("nonsense", 7) == 7


def test_a_namespace_reads_its_own_names_only():
    app = SQLQueue()
    app.config_from_object({"CELERY_TASK_DEFAULT_QUEUE": "django", "DEBUG": True}, namespace="CELERY")
    assert app.conf.task_default_queue == "django"
    with pytest.raises(ConfigError, match="did you mean 'task_default_queue'"):
        app.config_from_object({"CELERY_TASK_DEFAULT_QUEU": "x"}, namespace="CELERY")


def test_old_and_new_names_mixed():
    with pytest.raises(ConfigError, match="mixed: rename CELERY_DEFAULT_QUEUE -> task_default_queue"):
        SQLQueue().config_from_object({"CELERY_DEFAULT_QUEUE": "a", "broker_url": "sqlite:///x.db"})


def test_a_source_that_is_not_there(monkeypatch):
    with pytest.raises(ConfigError, match="there is no module 'celeryconfg'"):
        SQLQueue(config_source="celeryconfg")
    SQLQueue().config_from_object("celeryconfg", silent=True)
    monkeypatch.delenv("SHOP_SETTINGS", raising=False)
    with pytest.raises(ConfigError, match=r"\$SHOP_SETTINGS is not set"):
        SQLQueue().config_from_envvar("SHOP_SETTINGS")


def test_a_misspelled_setting_in_a_module_is_found():
    class Misspelled:
        task_default_queu = "x"

    with pytest.raises(ConfigError, match="did you mean 'task_default_queue'"):
        SQLQueue(config_source=Misspelled)


def test_names_without_effect_are_taken_and_kept():
    conf = SQLQueue(broker_heartbeat=10).conf
    assert conf.broker_heartbeat == 10
    assert conf.broker_pool_limit is None


def test_another_result_backend_is_refused_without_its_password():
    app = SQLQueue(backend="postgresql://me:hidden@host/other")
    with pytest.raises(ConfigError, match="results are kept in the broker's database") as raised:
        _ = app.store
    assert "hidden" not in str(raised.value)
    with pytest.raises(ConfigError, match="results are kept"):
        _ = SQLQueue(backend="redis://:hidden@host").store


def test_secrets_are_hidden():
    conf = SQLQueue(broker="postgresql://me:hidden@host/shop?password=hidden", timezone="Europe/Oslo").conf
    shown = conf.table()
    assert shown == {"broker_url": "'postgresql://***@host/shop?password=***'", "timezone": "'Europe/Oslo'"}
    assert set(conf.table(with_defaults=True)) > {"task_default_queue"}

"""Settings: checked when they are set, wherever they come from."""

from __future__ import annotations

from dataclasses import fields

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
        ("WORKER_CONCURRENCY", "0", "use a whole number from 1"),
        ("TASK_ROUTES", '{"a": ', r"\$?SQLQUEUE_TASK_ROUTES is .*use JSON"),
        ("TASK_ANNOTATIONS", "rate_limit=1", 'SQLQUEUE_TASK_ANNOTATIONS is .*use JSON, a table such as {"shop'),
        ("FLEET_LIMITS", "mail=1", 'SQLQUEUE_FLEET_LIMITS is .*use JSON, a table such as {"queue:mail": 5'),
        ("WORKER_POOL", "eventlet", "use one of prefork, threads, asyncio, solo"),
    ],
)
def test_nonsense_in_the_environment(name, text, said):
    with pytest.raises(ConfigError, match=said):
        Config.from_environment({f"SQLQUEUE_{name}": text})


def test_lists_and_tables_in_the_environment():
    conf = Config.from_environment({
        "SQLQUEUE_TASK_QUEUES": "a, b",
        "SQLQUEUE_TASK_ROUTES": '{"shop.x": "b"}',
        "SQLQUEUE_TASK_ANNOTATIONS": '{"*": {"rate_limit": "10/m"}}',
        "SQLQUEUE_FLEET_LIMITS": '{"queue:a": "10/m"}',
        "SQLQUEUE_IMPORTS": "shop.tasks,shop.mail",
    })  # fmt: skip
    assert (conf.task_queues, conf.task_routes, conf.imports) == (
        ("a", "b"),
        {"shop.x": "b"},
        ("shop.tasks", "shop.mail"),
    )
    assert (conf.task_annotations, conf.fleet_limits) == ({"*": {"rate_limit": "10/m"}}, {"queue:a": "10/m"})
    assert Config.from_environment({"SQLQUEUE_TASK_ROUTES": "shop.routes.of"}).task_routes == "shop.routes.of"


@pytest.mark.parametrize("name", ["task_queues", "task_routes", "task_annotations"])
def test_tables_and_lists_are_looked_at_when_they_are_set(name):
    for value in (5, "a,b" if name != "task_routes" else [5], {"*": 5} if name == "task_annotations" else object()):
        with pytest.raises(ConfigError, match=f"{name} is .*: use a "):
            SQLQueue().conf.update({name: value})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("worker_concurrency", 2.5, "use a whole number from 1"),
        ("task_default_priority", 1.5, "use a whole number from -32768"),
        ("task_default_priority", None, "use a whole number"),
        ("task_max_crashes", None, "use a whole number from 1"),
        ("unknown_task_timeout", None, "use a number from 0"),
        ("worker_poll_interval", None, "use a number from 0.01"),
        ("task_default_queue", "", "use a queue's name"),
        ("task_default_queue", None, "use a queue's name"),
        ("task_signing_keys", None, "is no list of keys"),
        ("task_signing_keys", 5, "is no list of keys"),
        ("broker_schema", 5, "use printable characters"),
    ],
)
def test_values_that_would_only_be_found_out_later(name, value, said):
    with pytest.raises(ConfigError, match=f"{name} is .*{said}" if "no list" not in said else said):
        SQLQueue().conf.update({name: value})
    SQLQueue().conf.update(result_expires=None, worker_concurrency=None, unknown_task_timeout=2.5)


def test_a_soft_limit_above_the_hard_one():
    with pytest.raises(ConfigError, match="task_soft_time_limit is 10, more than time_limit, 5"):
        SQLQueue(task_soft_time_limit=10, task_time_limit=5)
    app = SQLQueue(task_soft_time_limit=4, task_time_limit=5)
    app.conf.update(task_soft_time_limit=10, task_time_limit=50)
    with pytest.raises(ConfigError, match="more than time_limit"):
        app.config_from_object({"task_time_limit": 5})
    assert app.conf.task_time_limit == 50


def test_settings_are_set_together_or_not_at_all():
    conf = SQLQueue(worker_concurrency=2).conf
    for wrong in ({"foo": 1}, {"timezone": "Nowhere/At_all"}):
        with pytest.raises(ConfigError):
            conf.update(worker_concurrency=9, **wrong)
        with pytest.raises(ConfigError):
            conf.read({"worker_concurrency": 9, **wrong})
    assert conf.worker_concurrency == 2


def test_settings_are_a_mapping():
    conf = SQLQueue(timezone="Europe/Oslo").conf
    assert "timezone" in conf
    assert dict(conf) == dict(conf.items()) == vars(conf)
    assert len(conf) == len(list(conf)) == len(conf.values())
    assert set(conf) == {one.name for one in fields(Config)}
    with pytest.raises(KeyError, match="did you mean 'timezone'"):
        _ = conf["timezon"]


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


def test_sources_are_read_at_once_with_force_or_without(monkeypatch, tmp_path):
    app = SQLQueue()
    app.config_from_object({"timezone": "Asia/Tokyo"}, force=True)
    assert app.conf.timezone == "Asia/Tokyo"
    (tmp_path / "forced_settings.py").write_text("timezone = 'Europe/Oslo'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SHOP_SETTINGS", "forced_settings")
    app.config_from_envvar("SHOP_SETTINGS", force=True)
    assert app.conf.timezone == "Europe/Oslo"


def test_what_was_changed_and_what_is_set_by_default():
    conf = SQLQueue(task_time_limit=5).conf
    assert conf.changes == {"task_time_limit": 5}
    conf.add_defaults({"task_time_limit": 9, "CELERY_TIMEZONE": "Asia/Tokyo"})
    assert conf.changes == {"task_time_limit": 5, "timezone": "Asia/Tokyo"}
    with pytest.raises(ConfigError, match="did you mean 'timezone'"):
        conf.add_defaults({"timezon": "UTC", "task_acks_late": False})
    assert conf.task_acks_late


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


def test_secrets_are_hidden_inside_tables():
    told = {"*": {"api_key": "s3cret", "rate_limit": "1/m"}, "x": {"unique_key": "{id}", "auth": [{"token": "s3cret"}]}}
    conf = SQLQueue(task_annotations=told, task_routes=[("a", {"queue": "b"})]).conf
    assert "s3cret" not in conf.humanize()
    assert "'rate_limit': '1/m'" in conf.humanize()
    assert "'unique_key': '{id}'" in conf.humanize()
    assert "s3cret" in conf.humanize(censored=False)
    assert conf.table()["task_routes"] == "[('a', {'queue': 'b'})]"


@pytest.mark.parametrize(
    "text",
    [
        "redis://me:s3/cr et@host/0", "redis://me:s3#cr?et@h", "redis://:s3cr@et@h",
        "host=h password='s3cr et' dbname=d",
        "me:s3cret@host", "postgresql://h/d?password=s3cret&x=1", "dbname=d password = s3cret",
    ],
)  # fmt: skip
def test_a_password_in_a_table_is_hidden_as_it_was_pasted(text):
    shown = SQLQueue(task_annotations={"*": {"dsn": [text]}}).conf.humanize()
    assert "***" in shown
    assert not [part for part in ("s3", "cr", "et") if part in shown.partition("dsn")[2]]


def test_secrets_are_hidden():
    conf = SQLQueue(broker="postgresql://me:hidden@host/shop?password=hidden", timezone="Europe/Oslo").conf
    shown = conf.table()
    assert shown == {"broker_url": "'postgresql://***@host/shop?password=***'", "timezone": "'Europe/Oslo'"}
    assert repr(conf) == "Config(broker_url='postgresql://***@host/shop?password=***', timezone='Europe/Oslo')"
    assert set(conf.table(with_defaults=True)) > {"task_default_queue"}

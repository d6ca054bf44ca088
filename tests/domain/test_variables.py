"""Options of the command line that stand in the environment."""

import click
import pytest

from sqlqueue.cli import COMMANDS, main


def loaded(name, root):
    """Return a command."""
    found = main.get_command(root, name)
    assert found is not None
    return found


def read(*words):
    """Return what a command is told."""
    root = click.Context(main)
    command = loaded(words[0], root)
    if isinstance(command, click.Group):
        root, command, words = click.Context(command, parent=root), command.commands[words[1]], words[1:]
    return command.make_context(words[0], list(words[1:]), parent=root).params


def test_every_option_of_every_command_has_a_variable_that_help_tells():
    root = click.Context(main)
    seen = set()
    for name in COMMANDS:
        command = loaded(name, root)
        for one in command.commands.values() if isinstance(command, click.Group) else [command]:
            options = [option for option in one.params if isinstance(option, click.Option)]
            seen |= {variable for option in options for variable in option.envvar or ()}
            assert all(option.show_envvar for option in options)
    assert {"SQLQUEUE_WORKER_HOSTNAME", "SQLQUEUE_INSPECT_JSON", "SQLQUEUE_DEAD_RETRY_ALL"} <= seen


def test_a_variable_says_what_the_option_would_and_the_option_goes_before_it(monkeypatch):
    said = {"QUEUES": "a,b=2", "CONCURRENCY": "3", "HOSTNAME": "w@h", "LOG_JSON": "false", "TASK_EVENTS": "1"}
    for name, value in said.items():
        monkeypatch.setenv(f"SQLQUEUE_WORKER_{name}", value)
    found = read("worker")
    assert (found["queues"], found["concurrency"], found["name"]) == (("a,b=2",), 3, "w@h")
    assert (found["log_json"], found["events"], read("worker", "-c", "5")["concurrency"]) == (False, True, 5)
    monkeypatch.setenv("SQLQUEUE_JOB_SHOW_JSON", "1")
    assert read("job", "show", "some-id")["as_json"]


def test_a_variable_that_cannot_be_is_named(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_WORKER_TIME_LIMIT", "soon")
    with pytest.raises(click.BadParameter) as raised:
        read("worker")
    assert "SQLQUEUE_WORKER_TIME_LIMIT" in raised.value.format_message()


def test_the_version_of_an_image_is_no_question_for_ours(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_VERSION", "1.2.3")
    assert main.make_context("sqlqueue", ["list", "queues"]).params == {"app": None, "broker": None}


def test_a_variable_names_the_broker(monkeypatch):
    monkeypatch.setenv("SQLQUEUE_BROKER", "sqlite:///one.db")
    assert main.make_context("sqlqueue", ["list", "queues"]).params["broker"] == "sqlite:///one.db"

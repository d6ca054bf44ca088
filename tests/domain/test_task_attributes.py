"""A task as its function and as an object with options; what is said when something else is decorated."""

import functools
from typing import Any, cast

import pytest

from sqlqueue import SQLQueue, Task
from sqlqueue.errors import ConfigError


@pytest.fixture
def app(tmp_path):
    return SQLQueue("shop", broker=f"sqlite:///{tmp_path}/unused.db")


def test_a_task_has_the_names_of_its_function_and_may_be_wrapped(app):
    @app.task
    def add(x, y):
        """Add."""
        return x + y

    assert (add.__name__, add.__module__, add.__doc__) == ("add", __name__, "Add.")
    assert add.run(1, 2) == 3

    @functools.wraps(add)
    def other(*args):
        return add(*args)

    assert (other.__name__, other.__doc__, other.__wrapped__) == ("add", "Add.", add)


def test_run_of_a_bound_task_and_of_a_class(app):
    @app.task(bind=True)
    def name(self):
        return self.name

    class Named(Task):
        def run(self, word):
            return self.name, word

    assert name.run() == name.name
    task = app.register_task(Named, name="named")
    assert task.run("x") == ("named", "x")


def test_options_are_attributes_and_may_be_set(app):
    @app.task(queue="mail", priority=3, rate_limit="10/s")
    def send(): ...

    assert (send.queue, send.priority, send.rate_limit, send.max_retries) == ("mail", 3, "10/s", 3)
    send.max_retries, send.queue = 5, "other"
    assert (send.max_retries, send.settings.max_retries, send.defaults.queue) == (5, 5, "other")
    with pytest.raises(ConfigError, match="max_retries"):
        send.max_retries = cast("Any", "x")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        send.nothing  # noqa: B018
    send.anything = 5
    assert send.anything == 5


def test_an_option_that_the_class_says_may_be_set_too(app):
    class Stubborn(Task):
        max_retries = 7

    @app.task(base=Stubborn)
    def send(): ...

    assert send.max_retries == 7
    send.max_retries = 8
    assert (send.max_retries, send.settings.max_retries) == (8, 8)


WRONG = {
    "use @app.task(name='name')": lambda app: app.task("name"),
    "is given 5, which is no function": lambda app: app.task(5),
    "which is no function: use a def that calls it": lambda app: app.task(functools.partial(print, 1)),
    "no function: use a def": lambda app: app.task(name="x")(functools.partial(print, 1)),
    "base=5): use a subclass of Task": lambda app: app.task(base=5)(print),
    "use a subclass of Task": lambda app: app.task(base=int)(print),
    "did you mean 'max_retries'": lambda app: app.task(max_retrys=3),
    "did you mean 'acks_late'": lambda app: app.task(acks_lat=True),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_decorated_wrongly_is_said(app, words):
    with pytest.raises(ConfigError) as caught:
        WRONG[words](app)
    assert words in str(caught.value)
    assert len(app.tasks) == 0

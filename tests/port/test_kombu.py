"""What a Celery project takes from kombu, Celery's messaging library, itself: serializers, queues, exchanges."""

import importlib
import subprocess
import sys
from fractions import Fraction

import pytest
from kombu.common import Broadcast
from kombu.entity import Exchange, Queue
from kombu.serialization import register, unregister
from kombu.utils import json as kombu_json

from sqlqueue.errors import EncodingError, EnqueueError
from sqlqueue.testing.drain import drain
from tests.support.inprocess import working

PATIENCE = 30


@pytest.fixture
def registered():
    """Register serializers with kombu, for one test."""
    names = []

    def add(name, *rest, **more):
        register(name, *rest, **more)
        names.append(name)

    yield add
    for name in names:
        unregister(name)


def as_text(value):
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else repr(value)


@pytest.mark.parametrize("encoding", ["utf-8", "binary"])
def test_a_serializer_that_is_registered_with_kombu(celery, registered, encoding):
    coded = (lambda text: text) if encoding == "utf-8" else str.encode
    plain = (lambda data: data) if encoding == "utf-8" else bytes.decode
    forms = (lambda value: coded(as_text(value)), lambda data: Fraction(plain(data)))
    registered("fraction", *forms, "application/x-fraction", encoding)
    celery.conf.update(accept_content=["json", "application/x-fraction"], result_serializer="fraction")
    double = celery.task(lambda x: x * 2, name="double", serializer="fraction")
    result = double.delay(Fraction(1, 3))
    drain(celery)
    assert result.get(timeout=PATIENCE) == Fraction(2, 3)


def test_what_kombu_knows_is_not_accepted_by_itself(celery, registered):
    registered("fraction", as_text, Fraction, "application/x-fraction", "utf-8")
    result = celery.task(lambda x: x, name="same", serializer="fraction").delay(Fraction(1, 3))
    drain(celery)
    with pytest.raises(EncodingError, match="accept_content"):
        result.get(timeout=PATIENCE)


class Money:
    """A class of the project's own."""

    def __init__(self, cents):
        self.cents = cents

    def __eq__(self, other):
        return isinstance(other, Money) and self.cents == other.cents

    def __hash__(self):
        return hash(self.cents)


@pytest.fixture
def money(monkeypatch):
    """Register the class with kombu's JSON, for one test."""
    for name in ("_encoders", "_decoders"):
        monkeypatch.setattr(kombu_json, name, dict(getattr(kombu_json, name)))
    kombu_json.register_type(Money, "money", lambda one: one.cents, Money)


def test_a_type_that_is_registered_with_kombu(celery, money):
    double = celery.task(lambda given, *_: Money(given["each"][0].cents * 2), name="double")
    result = double.delay({"each": [Money(3)]}, {"$kombu": 1}, {"__type__": "money", "__value__": 1})
    drain(celery)
    assert result.get(timeout=PATIENCE) == Money(6)
    assert result.args[1:] == [{"$kombu": 1}, {"__type__": "money", "__value__": 1}], "what only looks like it"
    with pytest.raises(EncodingError, match="of type Queue, which cannot be stored"):
        double.delay(Queue("mail"))


def test_a_type_that_the_reader_has_not_registered(celery, money):
    result = celery.task(lambda x: x, name="same").delay(Money(3))
    kombu_json._decoders.pop("money")
    drain(celery)
    with pytest.raises(EncodingError, match="the type 'money' that kombu does not know: call kombu's register_type"):
        result.get(timeout=PATIENCE)


def test_lazy_texts_of_django(celery):
    welcome = importlib.import_module("django.utils.functional").lazystr("Welcome")  # it has no types
    result = celery.task(lambda x: x, name="same").delay([welcome])
    drain(celery)
    assert result.get(timeout=PATIENCE) == ["Welcome"]


@pytest.fixture
def queues(celery):
    """Queues of a project, as Celery's documentation writes them; nothing else may be used."""
    media = Exchange("media", type="direct")
    celery.conf.update(
        task_queues=(
            Queue("usual", Exchange("usual"), routing_key="usual"),
            Queue("video", media, routing_key="media.video", queue_arguments={"x-max-priority": 10}),
            Queue("image", exchange=media, routing_key="media.image", max_length=10, durable=False),
        ),
        task_default_queue="usual",
        task_default_exchange="usual",
        task_default_routing_key="usual",
        task_create_missing_queues=False,
    )
    return {one.name: one for one in celery.conf.task_queues}


def test_queues_of_kombu_are_served(celery, add, queues):
    assert list(celery.amqp.queues) == ["usual", "video", "image"]
    results = [add.apply_async((1,), queue=name) for name in queues]
    assert len(drain(celery)) == 3
    assert [one.get(timeout=PATIENCE) for one in results] == [1, 1, 1]


def test_a_call_a_task_and_a_route_name_a_queue_of_kombu(celery, add, queues):
    assert add.apply_async((1,), queue=queues["video"], routing_key="media.video").queue == "video"
    celery.task(lambda: 1, name="of.task", queue=queues["image"])
    assert celery.tasks["of.task"].delay().queue == "image"
    to_image = {"queue": queues["image"], "exchange": queues["image"].exchange, "routing_key": "media.image"}
    celery.conf.task_routes = {"add": queues["video"], "image.*": to_image}
    assert add.delay(1).queue == "video"
    assert celery.send_task("image.small").queue == "image"
    assert add.signature((1,), queue=queues["image"]).delay().queue == "image"
    with pytest.raises(EnqueueError, match="there is no queue 'audio': task_queues has image, usual, video"):
        add.apply_async((1,), queue=Queue("audio"))


def test_a_broadcast_queue_of_kombu(celery, add):
    celery.conf.task_queues = [Queue("celery"), Broadcast("everybody")]
    celery.conf.task_routes = {"add": {"queue": "everybody"}}
    with working(celery, *celery.amqp.queues):
        result = add.delay(2, 3)
        assert result.queue == "everybody"
        result.get(timeout=PATIENCE)
    assert result.state == "SUCCESS"


def test_neither_kombu_nor_django_is_imported():
    script = "import sys, sqlqueue.celery; print([one for one in ('kombu', 'django', 'amqp') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

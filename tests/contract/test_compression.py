"""Large arguments and results made smaller: they come back, what is small stays readable, and nothing is a bomb."""

import base64
import json
import zlib

import pytest

from sqlqueue import ConfigError, EncodingError, SQLQueue
from sqlqueue.domain.sizes import MOST
from sqlqueue.domain.which import Which
from sqlqueue.serialization.encoded import opened
from sqlqueue.testing.drain import drain

PATIENCE = 30
LARGE = {"text": ["grün "] * 1000, "raw": b"\x00" * 500}


def echo(*args, **kwargs):
    return [list(args), kwargs]


@pytest.fixture
def app(database_url):
    app = SQLQueue("shop", broker=database_url, accept_content=["yaml", "pickle"])
    yield app
    app.close()


def args_of(found):
    return json.loads(found["args"]) if isinstance(found["args"], str) else found["args"]


def about(argument):
    content = argument["$encoded"]
    return content["content_type"].removeprefix("application/"), content.get("compression")


@pytest.mark.parametrize("serializer", ["json", "yaml", "pickle"])
@pytest.mark.parametrize("name", ["gzip", "zlib", "bzip2", "bz2", "lzma", "xz"])
def test_large_arguments_are_made_smaller_and_come_back(app, row, name, serializer):
    result = app.task(echo).apply_async((LARGE, 1), {"x": LARGE}, compression=name, serializer=serializer)
    args = args_of(row(result))
    assert about(args[0])[1] in ("gzip", "bzip2", "lzma")
    assert len(json.dumps(args[0])) < 1000
    if serializer == "json":
        assert args[1] == 1, "what is small stays readable"
    assert result.args == [LARGE, 1]
    drain(app)
    assert result.get(timeout=PATIENCE) == [[LARGE, 1], {"x": LARGE}]


def test_large_results_are_made_smaller_and_come_back(app):
    app.conf.result_compression = "gzip"
    task = app.task(echo)
    result, small = task.delay(LARGE), task.delay(1)
    drain(app)
    assert '"compression"' in app.jobs.show(result.id).result
    assert json.loads(app.jobs.show(small.id).result) == [[1], {}]
    assert result.get(timeout=PATIENCE) == [[LARGE], {}]


def test_more_than_a_mebibyte_fits_in(app):
    large = "x" * (3 << 20)
    task = app.task(echo)
    app.conf.result_compression = "gzip"
    with pytest.raises(EncodingError, match="more than 1,048,576"):
        task.delay(large)
    result = task.apply_async((large,), compression="gzip")
    drain(app)
    assert result.get(timeout=PATIENCE) == [[large], {}]


def test_the_call_wins_over_the_task_and_that_over_the_setting(app, row):
    app.conf.task_compression = "gzip"
    plain, mine = app.task(echo, name="plain"), app.task(echo, name="mine", compression="bzip2")
    sent = [plain.delay(LARGE), mine.delay(LARGE), *mine.send_many([(LARGE,), (LARGE,)], compression="lzma")]
    assert [about(args_of(row(one))[0])[1] for one in sent] == ["gzip", "bzip2", "lzma", "lzma"]
    assert all(about(args_of(row(one))[0])[0] == "json" for one in sent)


def test_another_try_is_compressed_too(app):
    @app.task(bind=True)
    def task(self, x):
        if self.request.retries == 0:
            self.retry((x,), countdown=0)
        return self.request.asked()["compression"], '"compression"' in app.jobs.show(self.request.id).job.args

    result = task.apply_async((LARGE,), compression="gzip")
    drain(app)
    assert result.get(timeout=PATIENCE) == ["gzip", True]


def test_a_name_that_there_is_not(app):
    task = app.task(echo)
    with pytest.raises(ConfigError, match="no compression 'gzp': did you mean 'gzip'"):
        task.apply_async((1,), compression="gzp")
    with pytest.raises(ConfigError, match="no compression 'brotli': use gzip, bzip2 or lzma"):
        task.apply_async((1,), compression="brotli")
    with pytest.raises(ConfigError, match="task_compression is 5: use a compression's name"):
        app.conf.task_compression = 5
    assert app.jobs.find(Which()) == []


def content(data, compression="gzip"):
    return {
        "content_type": "application/json", "content_encoding": "utf-8", "compression": compression,
        "data": base64.b64encode(data).decode(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (content(zlib.compress(bytes(MOST + 1))), "more than 67,108,864 bytes"),
        (content(b"nonsense"), "gzip has compressed cannot be read"),
        (content(zlib.compress(b'"abc"')[:-3]), "cut off"),
        (content(b"", "zstd"), "a value is compressed, and there is no compression 'zstd'"),
        (content(b"", 5), "there is no compression 5"),
    ],
    ids=["a bomb", "damaged", "cut off", "unknown", "no name"],
)
def test_what_is_no_compressed_value_is_refused(given, words):
    with pytest.raises(EncodingError, match=words):
        opened(given, [], "accept_content")

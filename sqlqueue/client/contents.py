"""How one app writes and reads what its jobs carry: which serializers its settings name and accept.

Next room: ``serialization.encoded``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.config import Config
from sqlqueue.domain.sizes import USUAL
from sqlqueue.errors import ConfigError
from sqlqueue.serialization.compression import compression_named
from sqlqueue.serialization.encoded import opened, writer
from sqlqueue.serialization.serializers import serializer_named
from sqlqueue.serialization.signing import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlqueue.client.request import Defaults
    from sqlqueue.domain.job import Job
    from sqlqueue.serialization.encoded import Write


class Contents:
    """What one app's settings say of values in rows; they may change until the first job."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self) -> None:
        """Raise ConfigError for a setting that names a serializer, or a compression, that there is not."""
        config = self._config
        names = {"task_serializer": [config.task_serializer], "result_serializer": [config.result_serializer]}
        names |= {"accept_content": [*config.accept_content]}
        names |= {"result_accept_content": [*(config.result_accept_content or ())]}
        for compression in (config.task_compression, config.result_compression):
            if compression:
                compression_named(compression)
        for setting, named in names.items():
            for name in named:
                try:
                    serializer_named(name)
                except ConfigError as error:
                    raise ConfigError(f"{setting}: {error}") from None

    def trust(self, job: Job) -> None:
        """Raise UntrustedJob for a job that no key has signed, if there are keys."""
        if keys := self._config.task_signing_keys:
            check(job, keys)

    def argument(self, content: Any) -> Any:
        """Return an argument that a serializer has written; raises EncodingError unless ``accept_content`` has it."""
        return opened(content, self._config.accept_content, "accept_content")

    def result(self, content: Any) -> Any:
        """Return a result that a serializer has written; ``result_accept_content`` says whether it may be read."""
        accepted = self._config.result_accept_content
        if accepted is None:
            return self.argument(content)
        return opened(content, accepted, "result_accept_content")

    def write_result(self) -> Write:
        """Return what writes results; raises ConfigError when the settings name none that there is."""
        config = self._config
        write = writer(config.result_serializer, config.result_compression, several=False)
        return write if config.result_max_size == USUAL else _within(config.result_max_size, write)

    def write_exception(self) -> Write:
        """Return what writes the arguments of exceptions."""
        return writer(self._config.result_serializer, several=True)


def _within(limit: int, write: Write) -> Write:
    """Return what writes values of at most so many bytes."""
    return lambda value, what, limit=limit: write(value, what, limit)


def write_arguments(options: Mapping[str, Any], defaults: Defaults, config: Config) -> Write:
    """Return what writes the arguments of a call: as it says, or its task, or the settings.

    Raises
    ------
    ConfigError: there is no such serializer, or no such compression.
    """
    return writer(*form_of(options, defaults, config), several=True)


def form_of(options: Mapping[str, Any], defaults: Defaults, config: Config) -> tuple[str, str | None]:
    """Return the names of the serializer and of the compression that a call's arguments are written with."""
    serializer = options.get("serializer") or defaults.serializer or config.task_serializer
    return serializer, options.get("compression") or defaults.compression or config.task_compression


PLAIN = Contents(Config())
"""Of an app that nobody has told anything: JSON."""


def just_written(content: Any) -> Any:
    """Return what this process itself has just written."""
    return opened(content, [content["content_type"]], "")

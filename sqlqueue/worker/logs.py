"""How a worker's log lines look, and where what tasks print goes."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple, TextIO

from sqlqueue.signals import after_setup_logger, after_setup_task_logger, setup_logging
from sqlqueue.tasks.context import current_job
from sqlqueue.tasks.log import BASE

if TYPE_CHECKING:
    from types import TracebackType

printed = logging.getLogger("sqlqueue.task.stdout")

TEXT = "[%(asctime)s %(levelname)s] %(job)s%(message)s"
MOMENT = "%Y-%m-%d %H:%M:%S"


class Look(NamedTuple):
    """How lines look; what is None is ours.

    Parameters
    ----------
    line, moment: as `logging.Formatter` has them.
    in_job, moment_in_job: of lines that are written inside a job.
    coloured: warnings and errors.
    """

    line: str | None = None
    moment: str | None = None
    in_job: str | None = None
    moment_in_job: str | None = None
    coloured: bool | None = None


OURS = Look()


def set_up(level: str, *, as_json: bool, stream: TextIO, look: Look = OURS) -> None:
    """Log to ``stream`` from ``level`` up, unless somebody has set up the root logger already, or does it now."""
    root = logging.getLogger()
    coloured = stream.isatty() if look.coloured is None else look.coloured
    said = {"loglevel": level, "logfile": None, "format": look.line or TEXT, "colorize": coloured}
    if setup_logging:
        setup_logging.send(**said)
        return
    if not root.handlers:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonFormatter() if as_json else TextFormatter(look, coloured=coloured))
        root.addHandler(handler)
        root.setLevel(level.upper())
        logging.getLogger("alembic").setLevel("WARNING")  # speaks of each plugin, whoever migrates
    logging.getLogger("sqlqueue").setLevel(level.upper())
    after_setup_logger.send(logger=root, **said)
    after_setup_task_logger.send(logger=BASE, **said)


class TextFormatter(logging.Formatter):
    """One line; inside a job it begins with its task and id.

    Parameters
    ----------
    coloured: warnings and errors, for a terminal.
    """

    COLOURS: ClassVar = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}

    def __init__(self, look: Look = OURS, *, coloured: bool) -> None:
        super().__init__(look.line or TEXT, look.moment or MOMENT)
        self._in_job = logging.Formatter(look.in_job or TEXT, look.moment_in_job or MOMENT)
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        job = current_job.get()
        record.job = "" if job.called_directly else f"{job.task}[{job.id}]: "
        record.task_name, record.task_id = job.task or "???", job.id or "???"
        line = super().format(record) if job.called_directly else self._in_job.format(record)
        colour = self.COLOURS.get(record.levelname) if self._coloured else None
        return f"{colour}{line}\x1b[0m" if colour else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for those who collect logs."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        job = current_job.get()
        said = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if not job.called_directly:
            said |= {"task": job.task or "", "id": job.id or ""}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


class Printed(io.TextIOBase):
    """Stands for stdout or stderr: each line printed becomes a line of the log.

    Parameters
    ----------
    instead_of: the stream that it stands for, whose file it still is for programs that tasks start.
    """

    def __init__(self, instead_of: TextIO, level: int) -> None:
        self._stream = instead_of
        self._level = level
        self._local = threading.local()

    def write(self, text: str) -> int:
        """Log what is a whole line now; keep the rest, for each thread its own."""
        if getattr(self._local, "busy", False):  # logging itself has printed
            return self._stream.write(text)
        *lines, self._local.rest = (getattr(self._local, "rest", "") + text).split("\n")
        self._local.busy = True
        try:
            for line in lines:
                if line.strip():
                    printed.log(self._level, "%s", line)
        finally:
            self._local.busy = False
        return len(text)

    def flush(self) -> None:
        """Log what is left of a line."""
        if getattr(self._local, "rest", "") and not getattr(self._local, "busy", False):
            self.write("\n")
        self._stream.flush()

    def fileno(self) -> int:
        """The file behind it."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether a terminal is behind it."""
        return self._stream.isatty()

    @property
    def buffer(self) -> BinaryIO:
        """The bytes of the file behind it: what is not text is not logged."""
        return self._stream.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the file behind it."""
        return self._stream.encoding


class Redirected:
    """Within the block, what is printed goes to the log; None changes nothing.

    Parameters
    ----------
    level: the name of the level at which it is logged.
    """

    def __init__(self, level: str | None) -> None:
        self._level = level

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        if self._level is not None:
            number = logging.getLevelNamesMapping()[self._level]
            sys.stdout, sys.stderr = (Printed(stream, number) for stream in self._before)

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        sys.stdout, sys.stderr = self._before

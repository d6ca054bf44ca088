"""What the scripts of the Python peers share. They run in environments of their own, so nothing of ours is imported.

`python on_NAME.py fill URL FOLDER COUNT` makes the tables and sends COUNT jobs; `work` runs one worker until it is
told to stop. Every task's body calls `ran`, which counts in a file of FOLDER: the jobs, and when the first began.
"""

import mmap
import os
import pathlib
import struct
import sys
import time
from collections.abc import Callable

LAYOUT = struct.Struct("<QQ")  # bodies that ran; nanoseconds at which the first did, of the machine's monotonic clock

_maps: dict[int, mmap.mmap] = {}  # of each process, since a worker may fork
_count = 0


def ran() -> None:
    global _count  # noqa: PLW0603 - one addition a job is all that a peer is charged with
    file = _maps.get(os.getpid())
    if file is None:
        file, _count = _open(), 0
    _count += 1
    file[:8] = _count.to_bytes(8, "little")


def _open() -> mmap.mmap:
    path = pathlib.Path(sys.argv[3]) / f"ran-{os.getpid()}"
    path.write_bytes(LAYOUT.pack(0, time.monotonic_ns()))
    with path.open("r+b") as file:
        found = _maps[os.getpid()] = mmap.mmap(file.fileno(), LAYOUT.size)
    return found


def main(fill: Callable[[str, int], None], work: Callable[[str], None]) -> None:
    verb, url = sys.argv[1:3]
    if verb == "fill":
        fill(url, int(sys.argv[4]))
    else:
        work(url)

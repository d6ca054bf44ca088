"""Environments of the peers, in `.bench/` of the checkout and nowhere else; made once, by package name.

What cannot be had raises `Unavailable` with the reason, and is then named as not measured.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HOME = pathlib.Path(__file__).parents[2] / ".bench"
PATIENCE = 600.0  # seconds for one installation

# Debian's redis-server is a link to a program that comes with redis-tools; these are its libraries.
REDIS = ["redis-tools", "libjemalloc2", "liblzf1", "liblua5.1-0", "lua-cjson", "lua-bitop"]


class Unavailable(Exception):
    """A peer cannot be had here."""


def python(name: str, packages: list[str]) -> pathlib.Path:
    """Return the interpreter of an environment that holds the packages."""
    home = HOME / name
    stamp, program = home / ("-".join(packages).replace("/", "-") + ".stamp"), home / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)], "no virtual environment")
        _run([str(program), "-m", "pip", "install", "--quiet", *packages], f"pip cannot install {' '.join(packages)}")
        stamp.touch()
    return program


def versions(program: pathlib.Path, names: list[str]) -> str:
    """Return `name version` of packages of an environment."""
    code = """
import sys
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in sys.argv[1:]), sep=", ")
"""
    return subprocess.run([program, "-c", code, *names], capture_output=True, text=True, check=True).stdout.strip()


def node(package: str) -> tuple[str, pathlib.Path]:
    """Return the interpreter and the folder of modules that holds the package."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        raise Unavailable("there is no node and npm here")
    home = HOME / "node"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "node_modules" / package).is_dir():
        _run([npm, "install", "--silent", "--prefix", str(home), package], f"npm cannot install {package}")
    return program, home / "node_modules"


def node_version(modules: pathlib.Path, package: str) -> str:
    return f"{package} {json.loads((modules / package / 'package.json').read_text())['version']}"


def redis() -> tuple[str, dict[str, str]]:
    """Return a redis-server and the environment it runs in: the system's, or Debian's package unpacked."""
    installed = shutil.which("redis-server")
    if installed is not None:
        return installed, {}
    if shutil.which("apt-get") is None:
        raise Unavailable("there is no redis-server here")
    home = HOME / "redis"
    program = home / "root" / "usr" / "bin" / "redis-server"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "download", *REDIS], "apt-get cannot download redis", home)
        for package in home.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(home / "root")], f"cannot unpack {package.name}")
        program.unlink(missing_ok=True)
        program.symlink_to("redis-check-rdb")
    libraries = next(iter((home / "root" / "usr" / "lib").glob("*-linux-gnu")))
    return str(program), {"LD_LIBRARY_PATH": str(libraries)}


def _run(command: list[str], failure: str, folder: pathlib.Path | None = None) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{failure}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{failure}: {said[-1] if said else f'exit code {done.returncode}'}")

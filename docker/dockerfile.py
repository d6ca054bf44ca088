"""Reads a Dockerfile: as much of its language as ours uses, and an error for the rest."""

import dataclasses
import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
CONTEXT = HERE.parent
KNOWN = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "STOPSIGNAL", "CMD"}


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    line: int
    word: str
    text: str

    @property
    def source_stage(self) -> str | None:
        """The stage that a COPY copies from; None: the build context."""
        found = re.match(r"--from=(\S+)\s", self.text)
        return found.group(1) if found else None

    @property
    def paths(self) -> list[str]:
        """What a COPY names: sources, then the target."""
        return [word for word in self.text.split() if not word.startswith("--")]

    @property
    def command(self) -> list[str]:
        """The words of a CMD; shell form is refused: the shell would be process 1 and keep the signals to itself."""
        try:
            words = json.loads(self.text)
        except ValueError:
            words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f'line {self.line}: not in exec form, ["program", "argument"]: {self.text}')
        return words


@dataclasses.dataclass
class Stage:
    """The instructions from one FROM to the next."""

    base: str
    name: str
    steps: list[Instruction]

    def last(self, word: str) -> Instruction:
        """Return the last instruction of a kind, the one that counts."""
        found = [step for step in self.steps if step.word == word]
        if not found:
            raise ValueError(f"the stage {self.name} has no {word}")
        return found[-1]


def parse(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    stages: list[Stage] = []
    for step in _instructions(text):
        if step.word not in KNOWN:
            raise ValueError(f"line {step.line}: {step.word} is not one of {', '.join(sorted(KNOWN))}")
        if step.word == "FROM":
            base, *alias = step.text.split()
            stages.append(Stage(base, alias[1] if alias else str(len(stages)), []))
        elif not stages:
            raise ValueError(f"line {step.line}: {step.word} before the first FROM")
        else:
            stages[-1].steps.append(step)
    return stages


def _instructions(text: str) -> list[Instruction]:
    found, begun, words = [], 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not (line.strip() or words):
            continue
        begun = begun if words else number
        words += line.strip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            word, _, rest = words.partition(" ")
            found.append(Instruction(begun, word.upper(), rest.strip()))
            words = ""
    return found


def complaints(stages: list[Stage]) -> list[str]:
    """Say what is wrong with a Dockerfile that can be seen without running it."""
    found = []
    names = [stage.name for stage in stages]
    allowed = _let_through((HERE / "Dockerfile.dockerignore").read_text(encoding="utf-8"))
    for step in (step for stage in stages for step in stage.steps):
        if step.word == "COPY" and step.source_stage is None:
            for path in step.paths[:-1]:
                if not (CONTEXT / path).exists():
                    found.append(f"line {step.line}: there is no {path} in the checkout")
                if path not in allowed:
                    found.append(f"line {step.line}: the .dockerignore keeps {path} out")
        elif step.word == "COPY" and step.source_stage not in names:
            found.append(f"line {step.line}: there is no stage {step.source_stage}")
        elif step.word == "RUN" and re.search(r"(?<![\w.*/])/\w", step.text):
            found.append(f"line {step.line}: an absolute path, which check.py cannot move: {step.text}")
    user = stages[-1].last("USER").text
    if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user):
        found.append(f"USER {user}: a number other than 0 is needed")
    if stages[-1].last("STOPSIGNAL").text != "SIGTERM":
        found.append("STOPSIGNAL is not SIGTERM")
    return found


def _let_through(text: str) -> set[str]:
    """Return the top-level names that a .dockerignore which begins with `*` makes exceptions for."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines[0] != "*":
        raise ValueError("the .dockerignore must begin with *, to let through only what it names")
    return {line[1:] for line in lines if line.startswith("!")}

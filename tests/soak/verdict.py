"""What must hold at the end of a soak, judged from three lists that know nothing of each other. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Sent(NamedTuple):
    """One job that was sent: ``kind`` is plain, once, retried, revoked, total or rolled-back."""

    id: str
    kind: str
    value: int


class Result(NamedTuple):
    """One row of the results."""

    id: str
    state: str
    value: str | None
    error: str | None = None


ALLOWED = {
    "plain": {"succeeded"},
    "retried": {"succeeded"},
    "total": {"succeeded"},
    "once": {"succeeded", "failed"},
    "revoked": {"succeeded", "revoked"},
}
"""How each kind may end. What may run once fails when its worker dies under it."""


class Verdict(NamedTuple):
    """What is wrong, a line each, and how often jobs were executed: executions to the number of such jobs."""

    complaints: list[str]
    executions: Counter[int]


def judge(
    sent: Iterable[Sent], effects: Iterable[str], results: Sequence[Result], unfinished: Iterable[str]
) -> Verdict:
    """Compare what was sent with what ran and what came of it.

    Parameters
    ----------
    effects: the id of each execution.
    unfinished: ids of jobs that are not over.
    """
    runs = Counter(effects)
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.id, []).append(result)
    waiting = set(unfinished)
    known, complaints, executions = set(), [], Counter[int]()
    for job in sent:
        known.add(job.id)
        found = rows.get(job.id, [])
        complaints += [f"{words}: {job}" for words in _wrong(job, found, runs[job.id], waiting)]
        if job.kind != "rolled-back":
            executions[runs[job.id]] += 1
    strangers = (rows.keys() | runs.keys() | waiting) - known
    complaints += [f"nobody sent it: {id_}" for id_ in sorted(strangers)]
    return Verdict(complaints, executions)


def _wrong(job: Sent, found: Sequence[Result], runs: int, waiting: set[str]) -> list[str]:
    if job.kind == "rolled-back":
        return ["rolled back, and there"] if found or runs or job.id in waiting else []
    if job.id in waiting:
        return ["accepted, and not over"] if found else ["stuck"]
    if not found:
        return ["lost"]
    wrong = ["accepted twice"] if len(found) > 1 else []
    (state, value) = (found[0].state, found[0].value)
    if state not in ALLOWED[job.kind]:
        wrong.append(f"ended as {state} ({found[0].error})")
    if state == "succeeded" and value != str(job.value):
        wrong.append(f"has the result {value}")
    if state == "succeeded" and not runs:
        wrong.append("succeeded without an execution")
    if job.kind == "once" and runs > 1:
        wrong.append(f"ran {runs} times and may run once")
    return wrong


def histogram(executions: Mapping[int, int]) -> str:
    """Return a line for each number of executions."""
    most = max(executions.values(), default=1)
    return "\n".join(
        f"{times:6} x {jobs:7} jobs  {'#' * max(1, round(40 * jobs / most))}"
        for times, jobs in sorted(executions.items())
    )

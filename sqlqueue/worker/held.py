"""What this worker holds: the claim token of every job that it claimed and has not settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlqueue.domain.job import Job


class Held:
    """Job ids and their claim tokens; read by many threads, written by the consumer's alone."""

    def __init__(self) -> None:
        self.tokens: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, jobs: Sequence[Job]) -> list[Job]:
        """Remember a claim and return the jobs to start.

        An id that is held already was claimed again, after a server crash forgot the first claim: the new token is
        adopted and the job, which runs already, is not started twice.
        """
        tokens = self.tokens
        new = (
            [job for job in jobs if job.id not in tokens]
            if not tokens.keys().isdisjoint([job.id for job in jobs])
            else jobs
        )
        for job in jobs:
            tokens[job.id] = job.token
        return list(new)

    def drop(self, ids: Iterable[str]) -> None:
        """Forget jobs that are settled, or no longer ours."""
        for id_ in ids:
            self.tokens.pop(id_, None)

    def clear(self) -> None:
        """Forget everything: the worker was signed off, and its jobs are others'."""
        self.tokens = {}

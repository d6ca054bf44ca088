"""Numbers of things, as a sentence has them."""

from __future__ import annotations


def many(number: int, noun: str) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def jobs_that(number: int, one: str, more: str) -> str:
    """Return ``1 job was``, ``2 jobs were``, the verb as given for one and for more."""
    return f"{many(number, 'job')} {one if number == 1 else more}"

"""How the story is told: numbered steps, and checks that end it when something did not hold."""

import itertools

numbers = itertools.count(1)


class DidNotHold(Exception):
    """Something that the queue promises was not so."""


def step(words: str) -> None:
    print(f"\n{next(numbers)}. {words}")


def check(words: str, held: bool) -> None:
    if not held:
        raise DidNotHold(words)
    print(f"   ok  {words}")

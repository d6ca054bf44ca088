"""Who of the workers is meant by a command."""

import pytest

from sqlqueue.domain.control import EVERYBODY, Destination


@pytest.mark.parametrize(
    ("destination", "met"),
    [
        (EVERYBODY, True),
        (Destination(names=["mail@one"]), True),
        (Destination(names=["other"]), False),
        (Destination(names=[]), False),
        (Destination(pattern="mail@*"), True),
        (Destination(pattern="mail"), False),
        (Destination(pattern="mail", matcher="pcre"), True),
        (Destination(pattern="one$", matcher="pcre"), False),
        (Destination(names=["mail@one"], pattern="other*"), False),
        (Destination(workers=["i1", "i2"]), True),
        (Destination(workers=["i2"]), False),
    ],
)
def test_it_is_met_or_not(destination, met):
    assert destination.means("mail@one", "i1") is met

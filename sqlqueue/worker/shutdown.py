"""How a worker may end."""

from __future__ import annotations

from enum import IntEnum


class Shutdown(IntEnum):
    """How to stop: finish what runs, finish what does not take too long, or give it back."""

    WARM = 1
    SOFT = 2
    COLD = 3

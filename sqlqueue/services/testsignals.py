"""Named moments that a test in another process can wait for and kill at; nothing in production.

With ``$SQLQUEUE_TEST_SIGNALS`` naming a folder, reaching a moment makes a file of that name there; while a file
``<name>.hold`` is in the folder, whoever reaches the moment waits. River calls these test signals.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

_FOLDER = os.environ.get("SQLQUEUE_TEST_SIGNALS")


def reached(moment: str) -> None:
    """Tell a waiting test that this moment has come, and wait while the test holds it."""
    if _FOLDER is None:
        return
    folder = Path(_FOLDER)
    (folder / moment).touch()
    while (folder / f"{moment}.hold").exists():
        threading.Event().wait(0.005)

"""What is made of a stream of events."""

from __future__ import annotations

from sqlqueue.events.state import State
from sqlqueue.events.told import Task, Worker

__all__ = ["State", "Task", "Worker"]

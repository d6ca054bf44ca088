"""The stream of events, where Celery has it."""

from __future__ import annotations

from sqlqueue.celery.events.dispatcher import EventDispatcher
from sqlqueue.celery.events.event import Event, group_from
from sqlqueue.celery.events.receiver import EventReceiver
from sqlqueue.celery.events.state import State

__all__ = ["Event", "EventDispatcher", "EventReceiver", "State", "group_from"]

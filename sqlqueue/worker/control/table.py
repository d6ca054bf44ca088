"""All commands that every worker understands, by name."""

from __future__ import annotations

from sqlqueue.client.commands import Command, command
from sqlqueue.worker.control import looking

_QUESTIONS = (
    looking.ping, looking.active, looking.reserved, looking.scheduled, looking.query_task, looking.registered,
    looking.revoked, looking.active_queues, looking.stats, looking.conf, looking.report, looking.clock,
    looking.memsample, looking.memdump, looking.objgraph,
)  # fmt: skip

COMMANDS: dict[str, Command] = {one.name: one for one in (command(found, changes=False) for found in _QUESTIONS)}

ALIASES = {
    "dump_active": "active", "dump_conf": "conf", "dump_reserved": "reserved", "dump_revoked": "revoked",
    "dump_schedule": "scheduled", "dump_tasks": "registered", "registered_tasks": "registered",
}  # fmt: skip
"""Celery's other names."""

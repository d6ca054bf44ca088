"""All commands that every worker understands, by name."""

from __future__ import annotations

import json

from sqlqueue.client.commands import Command, command
from sqlqueue.domain.control import HEED
from sqlqueue.worker.control import changing, electing, looking, revoking

_ELECTION = [("id", str), ("topic", str), ("action", json.loads)]
_TIME_LIMITS = [("task_name", str), ("soft", float), ("hard", float)]

_QUESTIONS = (
    looking.ping, looking.active, looking.reserved, looking.scheduled, looking.query_task, looking.registered,
    looking.revoked, looking.active_queues, looking.stats, looking.conf, looking.report, looking.clock,
    looking.memsample, looking.memdump, looking.objgraph,
)  # fmt: skip

_CHANGES = (
    command(changing.rate_limit, changes=True, signature="<task> <rate, such as 10/m>"),
    command(changing.time_limit, changes=True, args=_TIME_LIMITS, signature="<task> <soft seconds> [hard seconds]"),
    command(changing.add_consumer, changes=True, args=[("queue", str)]),
    command(changing.cancel_consumer, changes=True),
    command(changing.pool_grow, changes=True, signature="[N=1]"),
    command(changing.pool_shrink, changes=True, signature="[N=1]"),
    command(changing.pool_restart, changes=True, args=[]),
    command(changing.autoscale, changes=True, args=[("max", int), ("min", int)], signature="<most> [fewest]"),
    command(changing.shutdown, changes=True),
    command(changing.heartbeat, changes=True),
    command(changing.enable_events, changes=True),
    command(changing.disable_events, changes=True),
    command(electing.election, changes=True, args=_ELECTION, signature="<id> <topic> [action as JSON]"),
    command(revoking.revoke, changes=True, args=[], variadic="task_id", signature="<id...>"),
    command(revoking.terminate, changes=True, args=[("signal", str)], variadic="task_id", signature="<signal> <id...>"),
    command(revoking.revoke_by_stamped_headers, changes=True, args=[], variadic="headers", signature="<name=value...>"),
)

_HELLO = command(looking.hello, changes=False, args=[("from_node", str)])

_ALL = [*(command(found, changes=False) for found in _QUESTIONS), _HELLO, *_CHANGES]

COMMANDS: dict[str, Command] = {one.name: one for one in _ALL}

INTERNAL: dict[str, Command] = {HEED: command(revoking.heed, changes=True, name=HEED)}
"""What workers are told by others than people."""

ALIASES = {
    "dump_active": "active", "dump_conf": "conf", "dump_reserved": "reserved", "dump_revoked": "revoked",
    "dump_schedule": "scheduled", "dump_tasks": "registered", "registered_tasks": "registered",
}  # fmt: skip
"""Celery's other names."""

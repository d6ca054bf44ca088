"""Elections: many workers are asked, one of them acts. A row of the database decides, so that nobody need agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlqueue.domain.ids import new_incarnation
from sqlqueue.errors import ConfigError
from sqlqueue.store.ops.lease import take_lease
from sqlqueue.worker.control import changing, revoking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlqueue.client.commands import Command
    from sqlqueue.worker.control.panel import Panel

REMEMBERED = 3600.0
"""Seconds that an election is remembered by its id; much longer than a command lives."""

TASK = "task"
"""The topic whose action is the signature of a task, to be sent."""


def election(panel: Panel, id: str, topic: str, action: Any = None) -> dict[str, str]:  # noqa: A002 - Celery's
    """Let one of the workers asked do something: send a task, or carry out another command."""
    act = _action(panel, topic, action)
    # A candidate's name is its own each time: elected once, a worker is not elected again under the same id.
    if not panel.link.run(take_lease, f"election:{id}", new_incarnation(), REMEMBERED):
        return {"ok": "another worker was elected"}
    found = act()
    refused = found.get("error") if isinstance(found, dict) else None
    return {"ok": "elected"} if refused is None else {"error": f"elected, but: {refused}"}


def _action(panel: Panel, topic: str, action: Any) -> Callable[[], Any]:
    """Return what is to be done; raises ConfigError before anybody is elected who could not do it."""
    if topic == TASK:
        if not isinstance(action, dict) or not isinstance(action.get("task"), str):
            raise ConfigError('the action of the topic task is a signature, such as {"task": "shop.mail", "args": [1]}')
        return panel.app.signature(action).apply_async
    found: Command | None = panel.app.commands.get(topic)
    function = found.function if found is not None else _BUILT_IN.get(topic)
    if function is None:
        raise ConfigError(f"nothing is registered for the topic {topic!r}: use task, or the name of a control command")
    if not isinstance(action, dict | None):
        raise ConfigError(f"the action of the topic {topic} is an object with the command's arguments by name")
    arguments: Mapping[str, Any] = action or {}
    return lambda: function(panel, **arguments)


_BUILT_IN: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        changing.rate_limit, changing.time_limit, changing.add_consumer, changing.cancel_consumer, changing.pool_grow,
        changing.pool_shrink, changing.pool_restart, changing.autoscale, changing.shutdown, changing.heartbeat,
        changing.enable_events, changing.disable_events,
        revoking.revoke, revoking.terminate,
    )
}  # fmt: skip

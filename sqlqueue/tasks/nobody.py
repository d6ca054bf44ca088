"""Sends what is nothing: an empty group, made of data, has no member that would know its app, and needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.client.group import GroupResult

if TYPE_CHECKING:
    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.request import CallOptions
    from sqlqueue.client.started import Started


class Nobody:
    """Stands in for the client of a workflow without a job."""

    def start(self, plan: Plan, options: CallOptions) -> Started:  # noqa: ARG002 - there is nothing to send
        """Return a handle that is over."""
        return None if plan.handle is None else GroupResult(plan.handle.id)

    rehearse = start

    @property
    def here(self) -> Nobody:
        """It runs as much as it sends."""
        return self

    async def astart(self, plan: Plan, options: CallOptions) -> Started:
        """The same, awaited."""
        return self.start(plan, options)


NOBODY = Nobody()

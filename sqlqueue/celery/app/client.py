"""`CeleryClient`: sends calls whose options are Celery's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlqueue.celery.app.handles import AsyncResult
from sqlqueue.celery.app.options import translated
from sqlqueue.client.client import Client
from sqlqueue.client.request import NO_DEFAULTS
from sqlqueue.tasks.eager import EagerSender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlqueue.canvas.plan import Plan
    from sqlqueue.client.request import CallOptions, Defaults
    from sqlqueue.client.started import Started


class CeleryClient(Client):
    """The sender of a Celery app."""

    result_type = AsyncResult
    app: Any = None
    """The app that it sends for."""

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions,
        defaults: Defaults = NO_DEFAULTS,
    ) -> Any:  # fmt: skip
        """Insert one job."""
        return super().send(task, args or (), kwargs or {}, _ours(options), defaults)

    def start(self, plan: Plan, options: CallOptions) -> Started:
        """Insert a workflow."""
        return super().start(_planned(plan), options)

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Write a workflow that takes a job's place."""
        return super().replacement(_planned(plan), job_id)

    def attach(self, plan: Plan, member: str, group: str | None) -> Any:
        """Add a workflow to a chord's header."""
        return super().attach(_planned(plan), member, group)


class CeleryHere(EagerSender):
    """Runs the tasks of a Celery app here and now."""

    def send(
        self, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions, defaults: Defaults
    ) -> Any:
        """Run a task."""
        return super().send(task, args or (), kwargs or {}, _ours(options), defaults)

    def rehearse(self, plan: Plan, options: CallOptions) -> Any:
        """Run a workflow."""
        return super().rehearse(_planned(plan), options)

    def replacement(self, plan: Plan, job_id: str) -> str:
        """Write a workflow that takes a job's place."""
        return super().replacement(_planned(plan), job_id)

    def attach(self, plan: Plan, member: str, group: str | None) -> Any:
        """Run one more member of a chord's header."""
        return super().attach(_planned(plan), member, group)


def _ours(options: Any) -> CallOptions:
    return cast("CallOptions", translated(dict(options)))


def _planned(plan: Plan) -> Plan:
    for row in plan.rows:
        row.options = translated(row.options)
    return plan

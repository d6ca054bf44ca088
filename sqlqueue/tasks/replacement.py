"""`Replacement`: raised by ``self.replace(sig)``, so that the job goes on as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.canvas.plan import Many
from sqlqueue.canvas.shapes import JOIN
from sqlqueue.domain.ids import new_job_id
from sqlqueue.tasks.shapes import chain
from sqlqueue.tasks.signature import Signature

if TYPE_CHECKING:
    from sqlqueue.canvas.plan import Plan


class Replacement(Exception):
    """Ends a task without a result: its job becomes the last of a workflow.

    Parameters
    ----------
    workflow: rows and edges as JSON text.
    """

    def __init__(self, workflow: str) -> None:
        super().__init__("replaced")
        self.workflow = workflow


def plan_as_one(sig: Signature) -> Plan:
    """Return the plan of a signature that ends in one job; of a group it gathers the results."""
    return plan_in_place(sig, sig.id or new_job_id())


def plan_in_place(sig: Signature, job_id: str) -> Plan:
    """Return the plan of a signature whose last job is the one of that id; of a group it gathers the results."""
    planned = sig.plan(options={"task_id": job_id})
    if isinstance(planned.handle, Many):
        planned = chain(sig, Signature(JOIN)).plan(options={"task_id": job_id})
    return planned

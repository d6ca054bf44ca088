"""`Replacement`: raised by ``self.replace(sig)``, so that the job goes on as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlqueue.canvas.plan import Many
from sqlqueue.canvas.shapes import JOIN
from sqlqueue.domain.ids import new_job_id
from sqlqueue.tasks.shapes import chain, chord, group
from sqlqueue.tasks.signature import Signature
from sqlqueue.tasks.stamping import put_stamps

if TYPE_CHECKING:
    from sqlqueue.canvas.plan import Plan
    from sqlqueue.tasks.context import Context


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
    if isinstance(planned.handle, Many) and (planned.rows or isinstance(sig, group)):
        join = Signature(JOIN)
        if isinstance(sig, group):  # a chain takes a group of one for its member
            return chord(sig, join).plan(sig["args"], options={"task_id": job_id})
        planned = chain(sig, join).plan(options={"task_id": job_id})
    return planned


def stamped_as(sig: Signature, context: Context) -> Signature:
    """Return a signature with the stamps of the running job on it, besides its own."""
    if context.stamps:
        put_stamps(sig, None, context.stamps, append=False)
    return sig

"""A subflow's states are those of the task run that tracks it in its parent (docs/behaviours.md, subflows).

The engine does this itself for the flow runs that it executes; what others move on, over the API, is mirrored here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._base.ids import new_id
from prefect._orchestration import TaskFacts, TaskTransition, decide_task_run
from prefect._storage import task_runs
from prefect.exceptions import Abort

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction
    from prefect.model.records import FlowRunRecord, StateRecord


def mirror(cx: Transaction, run: FlowRunRecord, state: StateRecord) -> None:
    """Let the task run that tracks `run`, if one does and nobody here executes the run, enter its new state."""
    if run.parent_task_run_id is None or run.owner is not None:
        return
    tracking = task_runs.held(cx, [run.parent_task_run_id]).get(run.parent_task_run_id)
    if tracking is None:  # it is reported later, with its states
        return
    details = {**(state.details or {}), "child_flow_run_id": str(UUID(bytes=run.id))}
    shown = state._replace(id=new_id(), data=None, details=details)
    transition = TaskTransition.of(tracking, shown, state.timestamp, force=True, facts=TaskFacts())
    changes = decide_task_run(transition).changes  # type: ignore[union-attr] # forced: nothing refuses it
    task_runs.replace(cx, [tracking._replace(**changes)])


def require_tracking(cx: Transaction, tracking_id: bytes | None) -> None:
    """A subflow begins in the attempt that calls it: of a superseded one, the task run that tracks it was refused.

    Raises:
        Abort: it was.
    """
    if tracking_id is not None and not task_runs.read_many(cx, [tracking_id]):
        raise Abort(
            "The subflow does not begin: a newer attempt owns the flow run that calls it, or that run was deleted."
        )

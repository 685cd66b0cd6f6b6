"""What a page does to a flow run beyond one state: cancel it with all below it, and run it again from somewhere."""

from __future__ import annotations

from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.flow_runs import Result, propose, required
from prefect._base.clock import now_us
from prefect._orchestration.transition import TERMINAL, new_state
from prefect._storage import flow_runs, run_timeline
from prefect._storage.filters import Condition
from prefect.model.records import FlowRunRecord
from prefect.model.requests.run_actions import CancelFlowRun, RetriedFlowRun, RetryFlowRun

_FIRST = bytes(16)


@endpoint("POST", "/ui/flow_runs/{id}/cancel")
def cancel_flow_run(api: Api, id: UUID, body: CancelFlowRun | None = None) -> Result:
    """Ask a run and all that it has started to stop; what nobody executes is cancelled at once.

    Raises ObjectNotFound; Refused where the run has ended.
    """
    run = required(api, id)
    if run.state.type in TERMINAL:
        raise Refused(f"The run has ended ({run.state.name}): there is nothing to cancel.", status=409)
    message = (
        body.message if body else None
    ) or f"Cancelled by {api.actor.name if api.actor else 'a user of the web UI'}."
    answer = _cancel(api, run, message)
    for child in _below(api, run):
        if child.state.type not in TERMINAL:
            _cancel(api, child, message)
    return answer


@endpoint("POST", "/ui/flow_runs/{id}/retry")
def retry_flow_run(api: Api, id: UUID, body: RetryFlowRun | None = None) -> RetriedFlowRun:
    """Run a run that has ended again, in place, replaying what it has recorded, or a part of that.

    Only a run of a deployment is taken up by somebody then. For any other run what it is not to replay is forgotten,
    and the command that runs it again is the answer.

    Raises:
        ObjectNotFound: there is no such run, or no such task run in it.
        Refused: it has not ended, or its state may not be left, or it is a subflow's.
    """
    asked = body or RetryFlowRun()
    run = required(api, id)
    _require_retriable(run)
    with api.store.write():  # nothing is forgotten where the run may not be run again
        forgotten = _forget(api, run, asked) if asked.replay != "all" else 0
        if run.deployment_id is None:
            return RetriedFlowRun(forgotten=forgotten, command=f"prefect flow-run retry {id}")
        now = now_us()
        again = new_state("SCHEDULED", "AwaitingRetry", now, asked.message, scheduled_time=now)
        answer = propose(api, id, again)
        if answer.status.value != "ACCEPT":
            raise Refused(str(getattr(answer.details, "reason", "") or answer.status.value), status=409)
    return RetriedFlowRun(forgotten=forgotten, command=None)


def _require_retriable(run: FlowRunRecord) -> None:
    if run.state.type not in TERMINAL:
        raise Refused(f"The run has not ended: it is {run.state.name}.", status=409)
    if run.parent_flow_run_id is not None and run.deployment_id is None:
        raise Refused(
            "The run is a subflow's: retry the run that has started it, and it goes on with this one.",
            status=409,
        )


def _forget(api: Api, run: FlowRunRecord, asked: RetryFlowRun) -> int:
    first = _FIRST
    if asked.replay == "before":
        if asked.task_run_id is None:
            raise Refused("Expected the task run from which on to run again, got none.")
        first = asked.task_run_id.bytes
        found = api.backend.find_task_runs(flow_run_ids=[run.id], where=[Condition("id", "=", first)])
        if not found:
            raise missing("Task run")
    with api.store.write() as cx:
        return run_timeline.forget(cx, run.id, first)


def _cancel(api: Api, run: FlowRunRecord, message: str) -> Result:
    answer = propose(api, UUID(bytes=run.id), new_state("CANCELLING", "Cancelling", now_us(), message))
    present = required(api, UUID(bytes=run.id))
    if present.state.type == "CANCELLING" and present.deployment_id is None and not _executed(api, present):
        return propose(api, UUID(bytes=run.id), new_state("CANCELLED", "Cancelled", now_us(), message))
    return answer


def _executed(api: Api, run: FlowRunRecord) -> bool:
    return run.owner is not None and api.backend.read_process(run.owner) is not None


def _below(api: Api, run: FlowRunRecord) -> list[FlowRunRecord]:
    """All that a run has started, and what that has started."""
    found: list[FlowRunRecord] = []
    layer = [run.id]
    while layer:
        some = flow_runs.find(api.store, [Condition("parent_flow_run_id", "in", layer[:500])], limit=None)
        found += some
        layer = [*layer[500:], *(one.id for one in some)]
    return found

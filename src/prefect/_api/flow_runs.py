"""Flow runs: made, read, changed, moved on, removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect._api import run_creation
from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.filtering import joint
from prefect._api.flow_run_json import written
from prefect._api.states import outcome, record_of
from prefect._base.clock import now_us
from prefect._storage import flow_runs, run_lists
from prefect.exceptions import ObjectNotFound
from prefect.model.records import FlowRunRecord, StateRecord
from prefect.model.requests.flow_run_actions import (
    DeleteFlowRuns,
    FlowRunCreate,
    FlowRunUpdate,
    SetState,
    SetStates,
)
from prefect.model.requests.joint import JointFilter
from prefect.model.responses import (
    BulkDeleteResponse,
    FlowRunBulkSetStateResponse,
    FlowRunOrchestrationResult,
    OrchestrationResult,
)
from prefect.model.runs import FlowRun
from prefect.model.state import State

Result = OrchestrationResult[Any]


@endpoint("POST", "/flow_runs/")
def create_flow_run(api: Api, body: FlowRunCreate) -> FlowRun:
    """Make a run; where its flow has one of that idempotency key, that one. Raises ObjectNotFound, Refused."""
    return FlowRun.from_record(_created(api, body))


@create_flow_run.written
def _write_created(api: Api, body: FlowRunCreate) -> bytes:
    return written(_created(api, body))


def _created(api: Api, body: FlowRunCreate) -> FlowRunRecord:
    record, is_new = run_creation.create(api, body)
    if is_new:
        api.created()
    return record


@endpoint("GET", "/flow_runs/{id}")
def read_flow_run(api: Api, id: UUID) -> FlowRun:
    """One run. Raises ObjectNotFound."""
    return FlowRun.from_record(required(api, id))


@read_flow_run.written
def _write_one(api: Api, id: UUID) -> bytes:
    return written(required(api, id))


@endpoint("PATCH", "/flow_runs/{id}", status=204)
def update_flow_run(api: Api, id: UUID, body: FlowRunUpdate) -> None:
    """Change what is no part of a run's state. Raises ObjectNotFound, Refused."""
    asked: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    run_creation.check_parameters(asked.get("parameters"))
    with api.store.write() as cx:
        run = flow_runs.read(cx, id.bytes)
        if run is None:
            raise missing("Flow run")
        flow_runs.update(cx, id.bytes, {**_columns(run, asked), "updated": now_us()})


def _columns(run: FlowRunRecord, asked: dict[str, Any]) -> dict[str, Any]:
    plain = ("name", "flow_version", "infrastructure_pid")
    columns = {name: asked[name] for name in plain if asked.get(name) is not None}
    if asked.get("parameters") is not None:
        columns |= {"parameters": asked["parameters"], "parameters_pickle": None}
    if "tags" in asked:
        columns["tags"] = asked["tags"]
    if "empirical_policy" in asked:
        columns["policy"] = {**run.policy, **run_creation.policy_of(asked["empirical_policy"])}
    if "job_variables" in asked:
        columns["extra"] = {**run.extra, "job_variables": asked["job_variables"]}
    return columns


@endpoint("PATCH", "/flow_runs/{id}/labels", status=204)
def update_flow_run_labels(api: Api, id: UUID, body: dict[str, bool | int | float | str]) -> None:
    """Add labels to a run, or change them. Raises ObjectNotFound."""
    with api.store.write() as cx:
        run = flow_runs.read(cx, id.bytes)
        if run is None:
            raise missing("Flow run")
        flow_runs.update(cx, id.bytes, {"labels": {**run.labels, **body}, "updated": now_us()})


@endpoint("DELETE", "/flow_runs/{id}", status=204)
def delete_flow_run(api: Api, id: UUID) -> None:
    """Remove a run with all that belongs to it. Raises ObjectNotFound."""
    if not api.backend.delete_flow_runs([id.bytes]):
        raise missing("Flow run")


@endpoint("POST", "/flow_runs/bulk_delete")
def delete_flow_runs(api: Api, body: DeleteFlowRuns | None = None) -> BulkDeleteResponse:
    """Remove the runs that pass the filter, the newest 50 at most; which there were."""
    found = _some(api, body or DeleteFlowRuns())
    api.backend.delete_flow_runs(found)
    return BulkDeleteResponse(deleted=[UUID(bytes=one) for one in found])


@endpoint("POST", "/flow_runs/{id}/set_state")
def set_flow_run_state(api: Api, id: UUID, body: SetState) -> Result:
    """Propose a state, which the rules accept, reject or put off. Raises ObjectNotFound."""
    return propose(api, id, record_of(body.state), force=body.force)


@endpoint("POST", "/flow_runs/bulk_set_state")
def set_flow_run_states(api: Api, body: SetStates) -> FlowRunBulkSetStateResponse:
    """Propose a state for each of the runs that pass the filter, the newest 50 at most."""
    results = [
        FlowRunOrchestrationResult.model_construct(None, flow_run_id=run_id, **dict(answer))
        for run_id in (UUID(bytes=one) for one in _some(api, body))
        for answer in (propose(Api(api.backend, api.actor), run_id, record_of(body.state), force=body.force),)
    ]
    return FlowRunBulkSetStateResponse.model_construct(None, results=results)


def propose(api: Api, id: UUID, state: StateRecord, *, force: bool = False) -> Result:
    """Propose a stored state; where one was written, the answer is 201. Raises ObjectNotFound."""
    try:
        answer = api.backend.propose_flow_run_state(id.bytes, state, force=force)
    except ObjectNotFound:
        raise missing("Flow run") from None
    present = answer.run.state
    # ids grow with time: a state that rules have put in the place of the proposed one is younger than that
    if answer.status == "ACCEPT" or (answer.status == "REJECT" and present.id > state.id):
        api.created()
    status, details = outcome(answer)
    shown = State.from_record(present, flow_run_id=id.bytes)
    return Result.model_construct(None, state=shown, status=status, details=details)


def required(api: Api, id: UUID) -> FlowRunRecord:
    """The record of a run. Raises ObjectNotFound."""
    found = run_lists.read(api.store, id.bytes)
    if found is None:
        raise missing("Flow run")
    return found


def _some(api: Api, asked: DeleteFlowRuns) -> list[bytes]:
    conditions = joint.of_flow_runs(JointFilter(flow_runs=asked.flow_runs))
    return run_lists.ids(api.store, conditions, asked.limit)

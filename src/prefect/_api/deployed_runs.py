"""Runs of deployments: asked for, and given to whoever polls for them.

Who polls claims nothing: a run is its executor's once Pending was proposed for it and accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api import run_creation
from prefect._api.api import Api
from prefect._api.deployment_views import deployment_of
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._api.limits import limit_of
from prefect._api.states import record_of
from prefect._api.work_queues import queue_for
from prefect._backend.deployed import run_of
from prefect._backend.mirror import mirror
from prefect._base.clock import now_us, to_us
from prefect._base.parameter_schema import complaint
from prefect._storage import deployments as rows
from prefect._storage import flow_runs, scheduled_runs
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.model.deployments import FlowRunBulkCreateResponse, FlowRunCreateResult
from prefect.model.records import FlowRunRecord
from prefect.model.requests.deployment_actions import DeploymentFlowRunCreate, ScheduledOfDeployments
from prefect.model.requests.states import StateCreate
from prefect.model.runs import FlowRun
from prefect.model.state import StateType

if TYPE_CHECKING:
    from typing import Any

    from prefect._storage.deployments import DeploymentRecord
    from prefect._storage.protocol import Transaction
    from prefect.model.requests.states import StateCreate


@endpoint("POST", "/deployments/{id}/create_flow_run")
def create_flow_run_from_deployment(
    api: Api, id: UUID, body: DeploymentFlowRunCreate | None = None
) -> FlowRun:
    """Ask for a run: Scheduled, now unless a state says otherwise.

    The parameters come on top of the deployment's. A second request with the same idempotency key gives the run
    of the first.

    Raises:
        ObjectNotFound: there is no such deployment.
        Refused: 409 for parameters that do not fit the schema; 400 for a queue where the deployment has no pool.
    """
    with api.store.write() as cx:
        deployment = deployment_of(cx, id)
        asked = body or DeploymentFlowRunCreate()
        record = _record(cx, deployment, asked)
        if flow_runs.insert(cx, record, [record.state]):
            mirror(cx, record, record.state)
            api.created()
            found = flow_runs.read(cx, record.id)  # with the names of its queue and pool
        else:
            assert asked.idempotency_key is not None  # nothing else can be taken
            found = flow_runs.with_key(cx, deployment.flow_id, asked.idempotency_key)
    assert found is not None
    return FlowRun.from_record(found)


@endpoint("POST", "/deployments/{id}/create_flow_run/bulk")
def bulk_create_flow_runs_from_deployment(
    api: Api, id: UUID, body: list[DeploymentFlowRunCreate]
) -> FlowRunBulkCreateResponse:
    """Ask for several runs; each is made or refused by itself. Raises ObjectNotFound for the deployment."""
    deployment_of(api.store, id)
    results: list[FlowRunCreateResult] = []
    for asked in body:
        try:
            made = create_flow_run_from_deployment(api, id=id, body=asked)
        except PrefectException as exc:  # noqa: PERF203 - each run for itself
            results.append(FlowRunCreateResult(status="FAILED", error=str(exc)))
        else:
            results.append(FlowRunCreateResult(flow_run_id=made.id, status="CREATED"))
    api.status = 200
    return FlowRunBulkCreateResponse(results=results)


@endpoint("POST", "/deployments/get_scheduled_flow_runs", audited=False)
def get_scheduled_flow_runs_for_deployments(api: Api, body: ScheduledOfDeployments) -> list[FlowRun]:
    """The runs of these deployments that wait for their time, the earliest first."""
    ids = [one.bytes for one in body.deployment_ids]
    before = to_us(body.scheduled_before) if body.scheduled_before else None
    found = scheduled_runs.of_deployments(api.store, ids, before=before, limit=limit_of(body.limit))
    if ids:
        with api.store.write() as cx:
            rows.polled(cx, ids, now_us())
    return [FlowRun.from_record(record) for record in found]


def _record(cx: Transaction, deployment: DeploymentRecord, asked: DeploymentFlowRunCreate) -> FlowRunRecord:
    parameters = {**deployment.parameters, **asked.parameters}
    run_creation.check_parameters(parameters)
    _check(deployment, asked, parameters)
    flow = rows.flow_of(cx, deployment.flow_id)
    if flow is None:
        raise ObjectNotFound(help_message="Flow not found")
    given: dict[str, Any] = {
        "parameters": parameters,
        "context": asked.context,
        "tags": tuple(sorted({*deployment.tags, *asked.tags})),
        "labels": asked.labels,
        "idempotency_key": asked.idempotency_key,
        "policy": run_creation.policy_of(asked.empirical_policy),
        "extra": _extra(asked),
    }
    if asked.name:
        given["name"] = asked.name
    if asked.parent_task_run_id is not None:
        given |= run_creation.lineage(cx, asked.parent_task_run_id)
    state = record_of(asked.state or StateCreate(type=StateType.SCHEDULED))
    return run_of(deployment, flow.name, _queue(cx, deployment, asked), state, **given)


def _check(deployment: DeploymentRecord, asked: DeploymentFlowRunCreate, parameters: dict[str, Any]) -> None:
    enforced = asked.enforce_parameter_schema
    if enforced is None:
        enforced = bool(deployment.enforce_parameter_schema)
    if enforced and deployment.parameter_openapi_schema:
        wrong = complaint(parameters, deployment.parameter_openapi_schema)
        if wrong is not None:
            raise Refused(f"Error creating flow run: {wrong}", status=409)


def _extra(asked: DeploymentFlowRunCreate) -> dict[str, Any]:
    extra: dict[str, Any] = {"job_variables": asked.job_variables or {}}
    if asked.infrastructure_document_id is not None:
        extra["infrastructure_document_id"] = str(asked.infrastructure_document_id)
    return extra


def _queue(cx: Transaction, deployment: DeploymentRecord, asked: DeploymentFlowRunCreate) -> bytes | None:
    if asked.work_queue_name is None:
        return deployment.work_queue_id
    found = rows.queue_names(cx, [deployment.work_queue_id]) if deployment.work_queue_id else {}
    pool = next((pool for _, pool, _ in found.values()), None)
    if pool is None:
        raise Refused(
            f"Cannot create flow run in work queue {asked.work_queue_name} because deployment "
            f"{UUID(bytes=deployment.id)} is not associated with a work pool. Leave the queue out.",
            status=400,
        )
    queue = queue_for(cx, pool, asked.work_queue_name)
    return queue.id if queue else None

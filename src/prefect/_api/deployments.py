"""Deployments: flows with where, when and with what they run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api import deployment_limits
from prefect._api.api import Api
from prefect._api.deployment_schedules import change_schedules, put_schedules
from prefect._api.deployment_views import deployment_of, deployments_shown
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.filtering.joint import of_deployments
from prefect._api.limits import limit_of, page_of
from prefect._api.work_queues import queue_for
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import deployments as rows
from prefect._storage import scheduled_runs
from prefect._storage.deployments import DEPLOYMENTS, SCHEDULES, DeploymentRecord
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.deployments import (
    DeploymentBulkDeleteResponse,
    DeploymentPaginationResponse,
    DeploymentResponse,
)
from prefect.model.requests.deployment_actions import (
    DeleteDeployments,
    DeploymentCreate,
    DeploymentUpdate,
    FilterDeployments,
    PaginateDeployments,
)
from prefect.model.requests.joint import JointFilter

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction

_ORDERS = {
    "CREATED_DESC": "created DESC",
    "UPDATED_DESC": "updated DESC",
    "NAME_ASC": "name, id",
    "NAME_DESC": "name DESC, id DESC",
    "CONCURRENCY_LIMIT_ASC": f"{rows.CONCURRENCY_LIMIT}, id",
    "CONCURRENCY_LIMIT_DESC": f"{rows.CONCURRENCY_LIMIT} DESC, id",
}
# what is not a column of the deployment's row, or not under that name
_ELSEWHERE = frozenset(
    (
        "name",
        "flow_id",
        "schedules",
        "concurrency_limit",
        "global_concurrency_limit_id",
        "work_pool_name",
        "work_queue_name",
        "version_info",
        "branch",
        "base",
        "root",
        "labels",
    )
)
_IDS = ("storage_document_id", "infrastructure_document_id")


@endpoint("POST", "/deployments/")
def create_deployment(api: Api, body: DeploymentCreate) -> DeploymentResponse:
    """Make a deployment, or give the flow's deployment of that name this form.

    Raises ObjectAlreadyExists where there is no such flow, as older servers do; ObjectNotFound for a work pool.
    """
    with api.store.write() as cx:
        flow = rows.flow_of(cx, body.flow_id.bytes)
        if flow is None:
            raise ObjectAlreadyExists(
                None, f"Expected the id of a flow, got {body.flow_id}: create the flow first."
            )
        before = DEPLOYMENTS.read(cx, flow_id=flow.id, name=body.name)
        now = now_us()
        if before is None:
            record = DeploymentRecord(new_id(), flow.id, body.name, now, now)
            DEPLOYMENTS.insert(cx, record)
            api.created()
        else:
            record = before
        labels = {**json.loads(flow.labels), "prefect.flow.id": str(body.flow_id), **body.labels}
        given = body.model_fields_set | {"parameters"}
        _write(cx, record, body, given, {"labels": labels, "updated": now})
        put_schedules(cx, record.id, body.schedules)
    return read_deployment(api, id=UUID(bytes=record.id))


@endpoint("GET", "/deployments/{id}")
def read_deployment(api: Api, id: UUID) -> DeploymentResponse:
    """One deployment. Raises ObjectNotFound."""
    return deployments_shown(api.store, [deployment_of(api.store, id)])[0]


@endpoint("GET", "/deployments/name/{flow_name}/{deployment_name}")
def read_deployment_by_name(api: Api, flow_name: str, deployment_name: str) -> DeploymentResponse:
    """The deployment of that name of the flow of that name. Raises ObjectNotFound."""
    flow = rows.flow_named(api.store, flow_name)
    record = flow and DEPLOYMENTS.read(api.store, flow_id=flow.id, name=deployment_name)
    if not record:
        raise missing("Deployment")
    return deployments_shown(api.store, [record])[0]


@endpoint("PATCH", "/deployments/{id}", status=204)
def update_deployment(api: Api, id: UUID, body: DeploymentUpdate) -> None:
    """Change a deployment. Raises ObjectNotFound; Refused for schedules that cannot be told apart."""
    with api.store.write() as cx:
        record = deployment_of(cx, id)
        _write(cx, record, body, body.model_fields_set, {"updated": now_us()})
        if body.schedules:
            change_schedules(cx, record.id, body.schedules)


@endpoint("DELETE", "/deployments/{id}", status=204)
def delete_deployment(api: Api, id: UUID) -> None:
    """Remove a deployment, its schedules, and its runs that were made ahead. Raises ObjectNotFound."""
    with api.store.write() as cx:
        _delete(cx, deployment_of(cx, id))


@endpoint("POST", "/deployments/bulk_delete")
def bulk_delete_deployments(api: Api, body: DeleteDeployments | None = None) -> DeploymentBulkDeleteResponse:
    """Remove the deployments that pass the filter, at most 50."""
    asked = body or DeleteDeployments()
    with api.store.write() as cx:
        conditions = of_deployments(JointFilter(deployments=asked.deployments))
        found = DEPLOYMENTS.find(cx, conditions, limit=asked.limit)
        for record in found:
            _delete(cx, record)
    return DeploymentBulkDeleteResponse(deleted=[UUID(bytes=record.id) for record in found])


@endpoint("POST", "/deployments/{id}/pause_deployment")
def pause_deployment(api: Api, id: UUID) -> None:
    """Make no more runs for its schedules. Raises ObjectNotFound."""
    update_deployment(api, id=id, body=DeploymentUpdate(paused=True))


@endpoint("POST", "/deployments/{id}/resume_deployment")
def resume_deployment(api: Api, id: UUID) -> None:
    """Make runs for its schedules again. Raises ObjectNotFound."""
    update_deployment(api, id=id, body=DeploymentUpdate(paused=False))


@endpoint("POST", "/deployments/filter")
def read_deployments(api: Api, body: FilterDeployments | None = None) -> list[DeploymentResponse]:
    """The deployments that pass the filters."""
    asked = body or FilterDeployments()
    order = _ORDERS[asked.sort.value]
    found = DEPLOYMENTS.find(api.store, of_deployments(asked), order=order, **page_of(asked))
    return deployments_shown(api.store, found)


@endpoint("POST", "/deployments/paginate")
def paginate_deployments(api: Api, body: PaginateDeployments | None = None) -> DeploymentPaginationResponse:
    """A page of the deployments that pass the filters."""
    asked = body or PaginateDeployments()
    limit, conditions = limit_of(asked.limit), of_deployments(asked)
    count = DEPLOYMENTS.count(api.store, conditions)
    order = _ORDERS[asked.sort.value]
    found = DEPLOYMENTS.find(api.store, conditions, order=order, limit=limit, offset=(asked.page - 1) * limit)
    return DeploymentPaginationResponse(
        results=deployments_shown(api.store, found),
        count=count,
        limit=limit,
        pages=-(-count // limit) if limit else 0,
        page=asked.page,
    )


@endpoint("POST", "/deployments/count")
def count_deployments(api: Api, body: JointFilter | None = None) -> int:
    """How many deployments pass the filters."""
    return DEPLOYMENTS.count(api.store, of_deployments(body or JointFilter()))


def _write(
    cx: Transaction,
    record: DeploymentRecord,
    body: DeploymentCreate | DeploymentUpdate,
    given: set[str],
    changes: dict[str, Any],
) -> None:
    """The fields that are given become the row's columns, and what belongs to it elsewhere."""
    columns = body.model_dump(mode="json", include=given - _ELSEWHERE, exclude_none=False)
    required = ("paused", "enforce_parameter_schema", "parameters", "job_variables")
    columns = {name: value for name, value in columns.items() if value is not None or name not in required}
    columns |= {name: UUID(columns[name]).bytes for name in _IDS if columns.get(name)}
    if body.version_info is not None and body.version is None:
        columns["version"] = body.version_info.version
    if {"work_pool_name", "work_queue_name"} & given:
        queue = queue_for(cx, body.work_pool_name or _pool_of(cx, record), body.work_queue_name)
        columns["work_queue_id"] = queue.id if queue else None
    if {"concurrency_limit", "global_concurrency_limit_id"} & given:
        columns["concurrency_limit_id"] = deployment_limits.put(cx, record, body)
    DEPLOYMENTS.update(cx, record.id, columns | changes)
    if any(columns.get(name, before) != before for name, before in _of_runs(record).items()):
        # runs that were made ahead are made again, from what the deployment is now
        scheduled_runs.forget(cx, record.id)
        rows.reset_schedules(cx, record.id, rows.NEVER if columns.get("paused", record.paused) else 0)


def _of_runs(record: DeploymentRecord) -> dict[str, Any]:
    """What runs that are made ahead have from the deployment."""
    names = ("paused", "parameters", "tags", "labels", "job_variables", "work_queue_id", "version")
    return {name: getattr(record, name) for name in names}


def _pool_of(cx: Transaction, record: DeploymentRecord) -> str | None:
    """The pool of the deployment's queue."""
    found = rows.queue_names(cx, [record.work_queue_id]) if record.work_queue_id else {}
    return next((pool for _, pool, _ in found.values()), None)


def _delete(cx: Transaction, record: DeploymentRecord) -> None:
    scheduled_runs.forget(cx, record.id)
    deployment_limits.remove(cx, record)
    SCHEDULES.delete(cx, deployment_id=record.id)
    DEPLOYMENTS.delete(cx, id=record.id)

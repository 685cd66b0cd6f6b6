"""Flows: each is known by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.filtering import joint
from prefect._api.limits import page_of, paginated
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.flows import FLOWS, FlowRecord, delete
from prefect.model.objects import Flow
from prefect.model.requests.flow_actions import DeleteFlows, FilterFlows, PaginateFlows
from prefect.model.requests.flows import FlowCreate, FlowUpdate
from prefect.model.requests.joint import JointFilter
from prefect.model.responses import BulkDeleteResponse, FlowPaginationResponse

if TYPE_CHECKING:
    from prefect._api.limits import Slice

_ORDERS = {
    "CREATED_DESC": "f.created DESC, f.id DESC",
    "UPDATED_DESC": "f.updated DESC, f.id DESC",
    "NAME_ASC": "f.name",
    "NAME_DESC": "f.name DESC",
}


@endpoint("POST", "/flows/")
def create_flow(api: Api, body: FlowCreate) -> Flow:
    """The flow of that name, made if it is new."""
    now = now_us()
    with api.store.write() as cx:
        found = FLOWS.read(cx, name=body.name)
        if found is not None:
            return shown(found)
        made = FlowRecord(new_id(), body.name, now, now, body.tags, dict(body.labels))
        FLOWS.insert(cx, made)
    api.created()
    return shown(made)


@endpoint("GET", "/flows/{id}")
def read_flow(api: Api, id: UUID) -> Flow:
    """One flow. Raises ObjectNotFound."""
    return _required(FLOWS.read(api.store, id=id.bytes))


@endpoint("GET", "/flows/name/{name}")
def read_flow_by_name(api: Api, name: str) -> Flow:
    """The flow of that name. Raises ObjectNotFound."""
    return _required(FLOWS.read(api.store, name=name))


@endpoint("POST", "/flows/filter")
def read_flows(api: Api, body: FilterFlows | None = None) -> list[Flow]:
    """The flows that pass the filters."""
    asked = body or FilterFlows()
    return _find(api, asked, asked.sort.value, page_of(asked))


@endpoint("POST", "/flows/paginate")
def paginate_flows(api: Api, body: PaginateFlows | None = None) -> FlowPaginationResponse:
    """A page of the flows that pass the filters."""
    asked = body or PaginateFlows()
    count = FLOWS.count(api.store, joint.of_flows(asked))
    page = paginated(asked, count, lambda part: _find(api, asked, asked.sort.value, part))
    return FlowPaginationResponse.model_construct(None, **page)


@endpoint("POST", "/flows/count")
def count_flows(api: Api, body: JointFilter | None = None) -> int:
    """How many flows pass the filters."""
    return FLOWS.count(api.store, joint.of_flows(body or JointFilter()))


@endpoint("PATCH", "/flows/{id}", status=204)
def update_flow(api: Api, id: UUID, body: FlowUpdate) -> None:
    """Change a flow. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not FLOWS.update(cx, id.bytes, {**body.model_dump(exclude_unset=True), "updated": now_us()}):
            raise missing("Flow")


@endpoint("DELETE", "/flows/{id}", status=204)
def delete_flow(api: Api, id: UUID) -> None:
    """Remove a flow with its deployments and all of its runs. Raises ObjectNotFound."""
    with api.backend.journal.transaction() as cx:
        if not delete(cx, id.bytes):
            raise missing("Flow")


@endpoint("POST", "/flows/bulk_delete")
def delete_flows(api: Api, body: DeleteFlows | None = None) -> BulkDeleteResponse:
    """Remove the flows that pass the filter, up to 50 at once; which there were."""
    asked = body or DeleteFlows()
    conditions = joint.of_flows(JointFilter(flows=asked.flows))
    with api.backend.journal.transaction() as cx:
        found = FLOWS.find(cx, conditions, order="f.id", limit=asked.limit)
        for one in found:
            delete(cx, one.id)
    return BulkDeleteResponse(deleted=[UUID(bytes=one.id) for one in found])


def _find(api: Api, asked: JointFilter, sort: str, part: Slice) -> list[Flow]:
    found = FLOWS.find(api.store, joint.of_flows(asked), order=_ORDERS[sort], **part)
    return [shown(record) for record in found]


def _required(record: FlowRecord | None) -> Flow:
    if record is None:
        raise missing("Flow")
    return shown(record)


def shown(record: FlowRecord) -> Flow:
    """The flow of a stored record, which is trusted."""
    return Flow.model_construct(None, **FLOWS.shown(record))

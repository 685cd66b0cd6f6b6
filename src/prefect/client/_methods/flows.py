"""Flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prefect._api import flows
from prefect.client._method import Caller, method
from prefect.model.requests.flow_actions import FilterFlows
from prefect.model.requests.flows import FlowCreate, FlowSort

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client._method import Steps
    from prefect.model.objects import Flow
    from prefect.model.requests.deployments import DeploymentFilter
    from prefect.model.requests.flow_runs import FlowRunFilter
    from prefect.model.requests.flows import FlowFilter
    from prefect.model.requests.task_runs import TaskRunFilter
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter


class FlowObject(Protocol):
    """What is known of a flow by its name: a `prefect.Flow`."""

    name: str


class FlowMethods(Caller):
    """What both clients ask about flows."""

    @method
    def create_flow(self, flow: FlowObject) -> Steps[UUID]:
        """The id of the flow of that name, made if it is new."""
        return (yield from self._flow_id(flow.name))

    @method
    def create_flow_from_name(self, flow_name: str) -> Steps[UUID]:
        """The id of the flow of that name, made if it is new."""
        return (yield from self._flow_id(flow_name))

    def _flow_id(self, name: str) -> Steps[UUID]:
        made: Flow = yield self._ask(flows.create_flow, body=FlowCreate(name=name))
        return made.id

    @method
    def read_flow(self, flow_id: UUID) -> Steps[Flow]:
        """One flow. Raises ObjectNotFound."""
        return (yield self._ask(flows.read_flow, id=flow_id))

    @method
    def read_flow_by_name(self, flow_name: str) -> Steps[Flow]:
        """The flow of that name. Raises ObjectNotFound."""
        return (yield self._ask(flows.read_flow_by_name, name=flow_name))

    @method
    def read_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[Flow]]:
        """The flows that pass every filter, by name unless told otherwise."""
        asked = FilterFlows(
            flows=flow_filter,
            flow_runs=flow_run_filter,
            task_runs=task_run_filter,
            deployments=deployment_filter,
            work_pools=work_pool_filter,
            work_pool_queues=work_queue_filter,
            sort=sort or FlowSort.NAME_ASC,
            limit=limit,
            offset=offset,
        )
        return (yield self._ask(flows.read_flows, body=asked))

    @method
    def delete_flow(self, flow_id: UUID) -> Steps[None]:
        """Remove a flow with its deployments and all of its runs. Raises ObjectNotFound."""
        yield self._ask(flows.delete_flow, id=flow_id)

"""Deployments, their schedules and runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api import deployed_runs, deployment_schedules, deployments
from prefect.client._method import Caller, method
from prefect.model.concurrency import ConcurrencyOptions
from prefect.model.deployments import VersionInfo
from prefect.model.requests.deployment_actions import (
    DeploymentCreate,
    DeploymentFlowRunCreate,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
    FilterDeployments,
    ScheduledOfDeployments,
)
from prefect.model.requests.states import StateCreate
from prefect.model.results import ResultRecordMetadata

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.client._method import Steps
    from prefect.model.deployments import DeploymentResponse, DeploymentSchedule
    from prefect.model.requests.deployments import DeploymentFilter, DeploymentSort
    from prefect.model.requests.flow_runs import FlowRunFilter
    from prefect.model.requests.flows import FlowFilter
    from prefect.model.requests.task_runs import TaskRunFilter
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect.model.runs import FlowRun
    from prefect.model.schedules import SCHEDULE_TYPES, CatchUp, Overlap
    from prefect.model.state import State


class DeploymentMethods(Caller):
    """What both clients ask about deployments."""

    @method
    def create_deployment(
        self,
        flow_id: UUID,
        name: str,
        version: str | None = None,
        version_info: VersionInfo | None = None,
        schedules: list[DeploymentScheduleCreate] | None = None,
        concurrency_limit: int | None = None,
        concurrency_options: ConcurrencyOptions | None = None,
        parameters: dict[str, Any] | None = None,
        description: str | None = None,
        work_queue_name: str | None = None,
        work_pool_name: str | None = None,
        tags: list[str] | None = None,
        storage_document_id: UUID | None = None,
        path: str | None = None,
        entrypoint: str | None = None,
        infrastructure_document_id: UUID | None = None,
        parameter_openapi_schema: dict[str, Any] | None = None,
        paused: bool | None = None,
        pull_steps: list[dict[str, Any]] | None = None,
        enforce_parameter_schema: bool | None = None,
        job_variables: dict[str, Any] | None = None,
        branch: str | None = None,
        base: UUID | None = None,
        root: UUID | None = None,
        labels: dict[str, Any] | None = None,
    ) -> Steps[UUID]:
        """Make a deployment, or give the flow's deployment of that name this form; its id. None leaves a field.

        Raises ObjectNotFound for a work pool; pydantic's ValidationError for parameters that do not fit the schema.
        """
        given = {key: value for key, value in locals().items() if value is not None and key != "self"}
        made = yield self._ask(deployments.create_deployment, body=DeploymentCreate.model_validate(given))
        return made.id

    @method
    def read_deployment(self, deployment_id: UUID | str) -> Steps[DeploymentResponse]:
        """One deployment. Raises ObjectNotFound; ValueError for what is no id."""
        return (yield self._ask(deployments.read_deployment, id=_id(deployment_id)))

    @method
    def read_deployment_by_name(self, name: str) -> Steps[DeploymentResponse]:
        """The deployment of that name, `flow/deployment`. Raises ObjectNotFound; ValueError for another form."""
        flow_name, slash, deployment_name = name.partition("/")
        if not (flow_name and slash and deployment_name):
            raise ValueError(f"Expected a name of the form 'flow/deployment', got {name!r}.")
        asked = deployments.read_deployment_by_name
        return (yield self._ask(asked, flow_name=flow_name, deployment_name=deployment_name))

    @method
    def read_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        limit: int | None = None,
        sort: DeploymentSort | None = None,
        offset: int = 0,
    ) -> Steps[list[DeploymentResponse]]:
        """The deployments that pass the filters, by name unless another order is asked for."""
        asked = FilterDeployments(
            flows=flow_filter,
            flow_runs=flow_run_filter,
            task_runs=task_run_filter,
            deployments=deployment_filter,
            work_pools=work_pool_filter,
            work_pool_queues=work_queue_filter,
            limit=limit,
            offset=offset,
            **({} if sort is None else {"sort": sort}),
        )
        return (yield self._ask(deployments.read_deployments, body=asked))

    @method
    def update_deployment(self, deployment_id: UUID, deployment: DeploymentUpdate) -> Steps[None]:
        """Change a deployment: what is set. Raises ObjectNotFound."""
        yield self._ask(deployments.update_deployment, id=deployment_id, body=deployment)

    @method
    def delete_deployment(self, deployment_id: UUID) -> Steps[None]:
        """Remove a deployment. Raises ObjectNotFound."""
        yield self._ask(deployments.delete_deployment, id=deployment_id)

    @method
    def pause_deployment(self, deployment_id: UUID | str) -> Steps[None]:
        """Make no more runs for its schedules. Raises ObjectNotFound."""
        yield self._ask(deployments.pause_deployment, id=_id(deployment_id))

    @method
    def resume_deployment(self, deployment_id: UUID | str) -> Steps[None]:
        """Make runs for its schedules again. Raises ObjectNotFound."""
        yield self._ask(deployments.resume_deployment, id=_id(deployment_id))

    @method
    def set_deployment_paused_state(self, deployment_id: UUID, paused: bool) -> Steps[None]:
        """Pause or resume. Raises ObjectNotFound."""
        asked = deployments.pause_deployment if paused else deployments.resume_deployment
        yield self._ask(asked, id=deployment_id)

    @method
    def create_deployment_schedules(
        self,
        deployment_id: UUID,
        schedules: list[tuple[SCHEDULE_TYPES, bool]] | list[DeploymentScheduleCreate],
        max_scheduled_runs: int | None = None,
        parameters: dict[str, Any] | None = None,
        slug: str | None = None,
    ) -> Steps[list[DeploymentSchedule]]:
        """More schedules; those given as (schedule, active) have the other arguments in common.

        Raises ObjectNotFound, ObjectAlreadyExists for a slug that is taken.
        """
        common: dict[str, Any] = {
            "max_scheduled_runs": max_scheduled_runs,
            "parameters": parameters or {},
            "slug": slug,
        }
        body = [
            one
            if isinstance(one, DeploymentScheduleCreate)
            else DeploymentScheduleCreate(schedule=one[0], active=one[1], **common)
            for one in schedules
        ]
        asked = deployment_schedules.create_deployment_schedules
        return (yield self._ask(asked, id=deployment_id, body=body))

    @method
    def read_deployment_schedules(self, deployment_id: UUID) -> Steps[list[DeploymentSchedule]]:
        """The schedules of a deployment. Raises ObjectNotFound."""
        return (yield self._ask(deployment_schedules.read_deployment_schedules, id=deployment_id))

    @method
    def update_deployment_schedule(
        self,
        deployment_id: UUID,
        schedule_id: UUID,
        active: bool | None = None,
        schedule: SCHEDULE_TYPES | None = None,
        max_scheduled_runs: int | None = None,
        parameters: dict[str, Any] | None = None,
        slug: str | None = None,
        overlap: Overlap | None = None,
        catch_up: CatchUp | None = None,
    ) -> Steps[None]:
        """Change a schedule; None leaves a field. Raises ObjectNotFound."""
        given = {
            "active": active,
            "schedule": schedule,
            "max_scheduled_runs": max_scheduled_runs,
            "parameters": parameters,
            "slug": slug,
            "overlap": overlap,
            "catch_up": catch_up,
        }
        body = DeploymentScheduleUpdate.model_validate(
            {name: value for name, value in given.items() if value is not None}
        )
        asked = deployment_schedules.update_deployment_schedule
        yield self._ask(asked, id=deployment_id, schedule_id=schedule_id, body=body)

    @method
    def delete_deployment_schedule(self, deployment_id: UUID, schedule_id: UUID) -> Steps[None]:
        """Remove a schedule. Raises ObjectNotFound."""
        asked = deployment_schedules.delete_deployment_schedule
        yield self._ask(asked, id=deployment_id, schedule_id=schedule_id)

    @method
    def get_scheduled_flow_runs_for_deployments(
        self,
        deployment_ids: list[UUID],
        scheduled_before: datetime | None = None,
        limit: int | None = None,
    ) -> Steps[list[FlowRun]]:
        """The runs of these deployments that wait for their time, the earliest first."""
        body = ScheduledOfDeployments(
            deployment_ids=deployment_ids, scheduled_before=scheduled_before, limit=limit
        )
        return (yield self._ask(deployed_runs.get_scheduled_flow_runs_for_deployments, body=body))

    @method
    def create_flow_run_from_deployment(
        self,
        deployment_id: UUID,
        *,
        parameters: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        state: State[Any] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        idempotency_key: str | None = None,
        parent_task_run_id: UUID | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        labels: dict[str, Any] | None = None,
    ) -> Steps[FlowRun]:
        """Ask for a run: Scheduled, now unless `state` says otherwise.

        Raises ObjectNotFound; ObjectAlreadyExists (409) over HTTP, Refused here, for parameters that do not fit.
        """
        given = {
            "parameters": parameters,
            "context": context,
            "state": None if state is None else _proposed(state),
            "name": name,
            "tags": None if tags is None else list(tags),
            "idempotency_key": idempotency_key,
            "parent_task_run_id": parent_task_run_id,
            "work_queue_name": work_queue_name,
            "job_variables": job_variables,
            "labels": labels,
        }
        body = DeploymentFlowRunCreate.model_validate(
            {key: value for key, value in given.items() if value is not None}
        )
        asked = deployed_runs.create_flow_run_from_deployment
        return (yield self._ask(asked, id=deployment_id, body=body))


def _proposed(state: State[Any]) -> StateCreate:
    data = state.data
    return StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        state_details=state.state_details,
        data=data if isinstance(data, ResultRecordMetadata) else None,
    )


def _id(given: UUID | str) -> UUID:
    """The id. Raises ValueError for what is none."""
    return given if isinstance(given, UUID) else UUID(given)

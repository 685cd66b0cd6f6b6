"""Flow runs, their states and inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api import flow_run_inputs, flow_run_lists, flow_run_states, flow_runs
from prefect._base.jsonable import to_jsonable
from prefect.client._method import method
from prefect.client._methods.flows import FlowMethods
from prefect.model.requests.flow_run_actions import (
    FilterFlowRunInputs,
    FilterFlowRuns,
    FlowRunCreate,
    FlowRunInputCreate,
    FlowRunUpdate,
    ResumeFlowRun,
    SetState,
)
from prefect.model.requests.flow_runs import FlowRunSort
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.states import proposed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._api.plain import Plain
    from prefect.client._method import Steps
    from prefect.client._methods.flows import FlowObject
    from prefect.model.objects import FlowRunInput
    from prefect.model.policies import FlowRunPolicy
    from prefect.model.requests.deployments import DeploymentFilter
    from prefect.model.requests.flow_runs import FlowRunFilter
    from prefect.model.requests.flows import FlowFilter
    from prefect.model.requests.task_runs import TaskRunFilter
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect.model.responses import OrchestrationResult
    from prefect.model.runs import FlowRun
    from prefect.model.state import State


class FlowRunMethods(FlowMethods):
    """What both clients ask about flows and flow runs."""

    @method
    def create_flow_run(
        self,
        flow: FlowObject,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        parent_task_run_id: UUID | None = None,
        state: State[Any] | None = None,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> Steps[FlowRun]:
        """Make a run of a flow, which is made too if it is new; nobody executes the run yet.

        Raises:
            ObjectNotFound: there is no such work pool or queue.
        """
        flow_id = yield from self._flow_id(flow.name)
        given: dict[str, Any] = {
            "name": name,
            "flow_version": getattr(flow, "version", None),
            "parameters": _in_json(parameters or {}),
            "context": context or {},
            "tags": list(dict.fromkeys(tags or ())),
            "parent_task_run_id": parent_task_run_id,
            "state": proposed(state) if state is not None else None,
            "work_pool_name": work_pool_name,
            "work_queue_name": work_queue_name,
            "job_variables": job_variables,
        }
        asked = FlowRunCreate(
            flow_id=flow_id, **{field: value for field, value in given.items() if value is not None}
        )
        return (yield self._ask(flow_runs.create_flow_run, body=asked))

    @method
    def update_flow_run(
        self,
        flow_run_id: UUID,
        flow_version: str | None = None,
        parameters: dict[str, Any] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        empirical_policy: FlowRunPolicy | None = None,
        infrastructure_pid: str | None = None,
        job_variables: dict[str, Any] | None = None,
    ) -> Steps[None]:
        """Change what is no part of a run's state; None leaves it as it is. Raises ObjectNotFound."""
        given: dict[str, Any] = {
            "flow_version": flow_version,
            "parameters": _in_json(parameters),
            "name": name,
            "tags": None if tags is None else list(dict.fromkeys(tags)),
            "empirical_policy": empirical_policy,
            "infrastructure_pid": infrastructure_pid,
            "job_variables": job_variables,
        }
        asked = FlowRunUpdate(**{field: value for field, value in given.items() if value is not None})
        yield self._ask(flow_runs.update_flow_run, id=flow_run_id, body=asked)

    @method
    def set_flow_run_name(self, flow_run_id: UUID, name: str) -> Steps[None]:
        """Give a run another name. Raises ObjectNotFound."""
        yield self._ask(flow_runs.update_flow_run, id=flow_run_id, body=FlowRunUpdate(name=name))

    @method
    def update_flow_run_labels(
        self, flow_run_id: UUID, labels: dict[str, bool | int | float | str]
    ) -> Steps[None]:
        """Add labels to a run, or change them. Raises ObjectNotFound."""
        yield self._ask(flow_runs.update_flow_run_labels, id=flow_run_id, body=labels)

    @method
    def delete_flow_run(self, flow_run_id: UUID) -> Steps[None]:
        """Remove a run with all that belongs to it. Raises ObjectNotFound."""
        yield self._ask(flow_runs.delete_flow_run, id=flow_run_id)

    @method
    def read_flow_run(self, flow_run_id: UUID) -> Steps[FlowRun]:
        """One run. Raises ObjectNotFound."""
        return (yield self._ask(flow_runs.read_flow_run, id=flow_run_id))

    @method
    def read_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowRunSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[FlowRun]]:
        """The runs that pass every filter, the newest first unless told otherwise."""
        asked = FilterFlowRuns(
            flows=flow_filter,
            flow_runs=flow_run_filter,
            task_runs=task_run_filter,
            deployments=deployment_filter,
            work_pools=work_pool_filter,
            work_pool_queues=work_queue_filter,
            sort=sort or FlowRunSort.ID_DESC,
            limit=limit,
            offset=offset,
        )
        return (yield self._ask(flow_run_lists.read_flow_runs, body=asked))

    @method
    def count_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
    ) -> Steps[int]:
        """How many runs pass every filter."""
        asked = JointFilter(
            flows=flow_filter,
            flow_runs=flow_run_filter,
            task_runs=task_run_filter,
            deployments=deployment_filter,
            work_pools=work_pool_filter,
            work_pool_queues=work_queue_filter,
        )
        return (yield self._ask(flow_run_lists.count_flow_runs, body=asked))

    @method
    def set_flow_run_state(
        self, flow_run_id: UUID | str, state: State[Any], force: bool = False
    ) -> Steps[OrchestrationResult[Any]]:
        """Propose a state, which the rules accept, reject or put off; `force` asks few of them.

        Raises:
            ObjectNotFound: there is no such run.
        """
        run_id = flow_run_id if isinstance(flow_run_id, UUID) else UUID(flow_run_id)
        asked = SetState(state=proposed(state), force=force)
        return (yield self._ask(flow_runs.set_flow_run_state, id=run_id, body=asked))

    @method
    def resume_flow_run(
        self, flow_run_id: UUID, run_input: dict[str, Any] | None = None
    ) -> Steps[OrchestrationResult[Any]]:
        """Let a paused run go on, with the input that it waits for. Raises ObjectNotFound."""
        asked = ResumeFlowRun(run_input=run_input)
        return (yield self._ask(flow_run_inputs.resume_flow_run, id=flow_run_id, body=asked))

    @method
    def read_flow_run_state(self, flow_run_state_id: UUID) -> Steps[State[Any]]:
        """One state that a run was in. Raises ObjectNotFound."""
        return (yield self._ask(flow_run_states.read_flow_run_state, id=flow_run_state_id))

    @method
    def read_flow_run_states(self, flow_run_id: UUID) -> Steps[list[State[Any]]]:
        """Every state that a run was in, oldest first."""
        return (yield self._ask(flow_run_states.read_flow_run_states, flow_run_id=flow_run_id))

    @method
    def create_flow_run_input(
        self, flow_run_id: UUID, key: str, value: str, sender: str | None = None
    ) -> Steps[None]:
        """Send something to a run. Raises ObjectNotFound; ObjectAlreadyExists where the key is taken."""
        asked = FlowRunInputCreate(key=key, value=value, sender=sender)
        yield self._ask(flow_run_inputs.create_flow_run_input, id=flow_run_id, body=asked)

    @method
    def filter_flow_run_input(
        self, flow_run_id: UUID, key_prefix: str, limit: int, exclude_keys: set[str]
    ) -> Steps[list[FlowRunInput]]:
        """What was sent to a run under keys that begin so, the oldest first."""
        asked = FilterFlowRunInputs(prefix=key_prefix, limit=limit, exclude_keys=sorted(exclude_keys))
        return (yield self._ask(flow_run_inputs.filter_flow_run_input, id=flow_run_id, body=asked))

    @method
    def await_flow_run_news(self, flow_run_id: UUID, seen: str = "", patience: float = 0.0) -> Steps[str]:
        """A mark of a run's state and of its inputs, once it is not the one `seen`, or after `patience` seconds."""
        asked = flow_run_inputs.await_flow_run_news
        return (yield self._ask(asked, id=flow_run_id, seen=seen, patience=patience))

    @method
    def read_flow_run_input(self, flow_run_id: UUID, key: str) -> Steps[str]:
        """What was sent to a run under a key. Raises ObjectNotFound."""
        found: Plain = yield self._ask(flow_run_inputs.read_flow_run_input, id=flow_run_id, key=key)
        return found.text

    @method
    def delete_flow_run_input(self, flow_run_id: UUID, key: str) -> Steps[None]:
        """Forget what was sent to a run under a key. Raises ObjectNotFound."""
        yield self._ask(flow_run_inputs.delete_flow_run_input, id=flow_run_id, key=key)


def _in_json(parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """As they are stored; what JSON cannot hold becomes a placeholder."""
    return None if parameters is None else to_jsonable(parameters)[0]

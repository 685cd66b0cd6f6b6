"""Task runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prefect._api import task_run_lists, task_runs
from prefect.client._method import Caller, method
from prefect.model.requests.states import proposed
from prefect.model.requests.task_run_actions import (
    FilterTaskRuns,
    ProposeState,
    TaskRunCreate,
    TaskRunUpdate,
)
from prefect.model.requests.task_runs import TaskRunSort

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client._method import Steps
    from prefect.model.requests.deployments import DeploymentFilter
    from prefect.model.requests.flow_runs import FlowRunFilter
    from prefect.model.requests.flows import FlowFilter
    from prefect.model.requests.task_runs import TaskRunFilter
    from prefect.model.responses import OrchestrationResult
    from prefect.model.run_inputs import RunInput
    from prefect.model.runs import TaskRun
    from prefect.model.state import State


class TaskRunMethods(Caller):
    """What both clients ask about task runs."""

    @method
    def create_task_run(
        self,
        task: Any,
        flow_run_id: UUID | None,
        dynamic_key: str,
        id: UUID | None = None,
        name: str | None = None,
        extra_tags: Iterable[str] | None = None,
        state: State | None = None,
        task_inputs: dict[str, list[RunInput]] | None = None,
    ) -> Steps[TaskRun]:
        """Make a run of a task (a `Task`); of one call of a flow run there is only one, which is answered then.

        Without a state it is Pending. Its name is made from the task's where none is given.
        """
        asked = TaskRunCreate.model_validate(
            {
                "id": id,
                "name": name or f"{task.name}-{dynamic_key[:3]}",
                "flow_run_id": flow_run_id,
                "task_key": task.task_key,
                "dynamic_key": str(dynamic_key),
                "task_version": task.version,
                "tags": sorted({*task.tags, *(extra_tags or ())}),
                "state": proposed(state) if state is not None else None,
                "empirical_policy": {
                    "retries": task.retries,
                    "retry_delay": task.retry_delay_seconds,
                    "retry_jitter_factor": task.retry_jitter_factor,
                },
                "task_inputs": task_inputs or {},
            }
        )
        return (yield self._ask(task_runs.create_task_run, body=asked))

    @method
    def read_task_run(self, task_run_id: UUID) -> Steps[TaskRun]:
        """One task run. Raises ObjectNotFound."""
        return (yield self._ask(task_runs.read_task_run, id=task_run_id))

    @method
    def read_task_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: TaskRunSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[TaskRun]]:
        """Task runs that pass all filters, newest first unless `sort` says otherwise."""
        asked = FilterTaskRuns(
            flows=flow_filter,
            flow_runs=flow_run_filter,
            task_runs=task_run_filter,
            deployments=deployment_filter,
            sort=sort or TaskRunSort.ID_DESC,
            limit=limit,
            offset=offset,
        )
        return (yield self._ask(task_run_lists.read_task_runs, body=asked))

    @method
    def set_task_run_name(self, task_run_id: UUID, name: str) -> Steps[None]:
        """Change a task run's name. Raises ObjectNotFound."""
        yield self._ask(task_runs.update_task_run, id=task_run_id, body=TaskRunUpdate(name=name))

    @method
    def delete_task_run(self, task_run_id: UUID) -> Steps[None]:
        """Remove a task run. Raises ObjectNotFound."""
        yield self._ask(task_runs.delete_task_run, id=task_run_id)

    @method
    def set_task_run_state(
        self, task_run_id: UUID, state: State, force: bool = False
    ) -> Steps[OrchestrationResult]:
        """Ask to move a task run on; with `force` few rules are asked. Raises ObjectNotFound."""
        asked = ProposeState(state=proposed(state), force=force)
        return (yield self._ask(task_runs.set_task_run_state, id=task_run_id, body=asked))

    @method
    def read_task_run_states(self, task_run_id: UUID) -> Steps[list[State]]:
        """Every state of a task run, oldest first."""
        return (yield self._ask(task_runs.read_task_run_states, task_run_id=task_run_id))

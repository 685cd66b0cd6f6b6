"""What filters of several nouns mean for one of them.

From many to one (a run's flow) the related rows are looked up first; from one to many (a flow's runs) each row is
asked whether there is one, unless the filter names the related rows by their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.filtering.nouns import deployment, flow, flow_run, task_run, work_pool, work_queue
from prefect._api.filtering.parts import part
from prefect._storage.clauses import Clause, among, exists

if TYPE_CHECKING:
    from prefect.model.requests.joint import JointFilter
    from prefect.model.requests.task_runs import TaskRunFilter

_QUEUES_OF_POOLS = "work_queue q JOIN work_pool p ON p.id = q.work_pool_id"


def of_flows(asked: JointFilter) -> list[Clause]:
    """Which flows, as `f`."""
    runs = "flow_run r WHERE r.flow_id = f.id"
    tasks = "flow_run r JOIN task_run t ON t.flow_run_id = r.id WHERE r.flow_id = f.id"
    found = part(asked.flows, flow)
    found += part(asked.flow_runs, lambda one: exists(runs, [flow_run(one)]))
    found += part(asked.task_runs, lambda one: exists(tasks, [task_run(one)]))
    deployed = [*part(asked.deployments, deployment), *_of_queues("d", asked)]
    return found + ([exists("deployment d WHERE d.flow_id = f.id", deployed)] if deployed else [])


def of_flow_runs(asked: JointFilter) -> list[Clause]:
    """Which flow runs, as `r`."""
    found = part(asked.flow_runs, flow_run)
    found += part(asked.flows, lambda one: among("r.flow_id", "f.id", "flow f", [flow(one)]))
    found += part(asked.task_runs, _with_task_runs)
    found += part(
        asked.deployments, lambda one: among("r.deployment_id", "d.id", "deployment d", [deployment(one)])
    )
    return found + _of_queues("r", asked)


def _with_task_runs(asked: TaskRunFilter) -> Clause:
    named = (asked.id and asked.id.any_) or (asked.flow_run_id and asked.flow_run_id.any_)
    if named and asked.operator.value == "and_":
        return among("r.id", "t.flow_run_id", "task_run t", [task_run(asked)])
    return exists("task_run t WHERE t.flow_run_id = r.id", [task_run(asked)])


def of_task_runs(asked: JointFilter) -> list[Clause]:
    """Which task runs, as `t`."""
    return [*part(asked.task_runs, task_run), *in_flow_runs("t.flow_run_id", asked)]


def in_flow_runs(column: str, asked: JointFilter) -> list[Clause]:
    """The flow run in a column (of an artifact, a task run) passes all filters but the one of task runs."""
    runs = of_flow_runs(asked.model_copy(update={"task_runs": None}))
    return [among(column, "r.id", "flow_run r", runs)] if runs else []


def in_task_runs(column: str, asked: JointFilter) -> list[Clause]:
    """The task run in a column (of an artifact) passes the filter of task runs."""
    return part(asked.task_runs, lambda one: among(column, "t.id", "task_run t", [task_run(one)]))


def of_deployments(asked: JointFilter) -> list[Clause]:
    """Which deployments, as `d`."""
    tasks = "flow_run r JOIN task_run t ON t.flow_run_id = r.id WHERE r.deployment_id = d.id"
    found = part(asked.deployments, deployment)
    found += part(asked.flows, lambda one: among("d.flow_id", "f.id", "flow f", [flow(one)]))
    found += part(
        asked.flow_runs, lambda one: exists("flow_run r WHERE r.deployment_id = d.id", [flow_run(one)])
    )
    found += part(asked.task_runs, lambda one: exists(tasks, [task_run(one)]))
    return found + _of_queues("d", asked)


def _of_queues(table: str, asked: JointFilter) -> list[Clause]:
    """The work queue of a run or deployment passes the filters of pools and queues."""
    queue = f"{table}.work_queue_id"
    found = part(asked.work_pools, lambda one: among(queue, "q.id", _QUEUES_OF_POOLS, [work_pool(one)]))
    found += part(asked.work_pool_queues, lambda one: among(queue, "q.id", "work_queue q", [work_queue(one)]))
    return found

"""The condition that the filter of one noun stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.filtering.flow_runs import flow_run
from prefect._api.filtering.parts import ids, names, null, part, tags, times
from prefect._storage import clauses
from prefect._storage.clauses import Clause, joined
from prefect._storage.deployments import CONCURRENCY_LIMIT

if TYPE_CHECKING:
    from prefect.model.requests.base import FilterTags
    from prefect.model.requests.deployments import DeploymentFilter, DeploymentFilterConcurrencyLimit
    from prefect.model.requests.flows import FlowFilter
    from prefect.model.requests.task_runs import (
        TaskRunFilter,
        TaskRunFilterFlowRunId,
        TaskRunFilterState,
        TaskRunFilterSubFlowRuns,
    )
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter, WorkQueueFilterName

__all__ = ["deployment", "flow", "flow_run", "task_run", "work_pool", "work_queue"]

_DEPLOYED = Clause("EXISTS (SELECT 1 FROM deployment d WHERE d.flow_id = f.id)")


def flow(asked: FlowFilter) -> Clause:
    """Which flows, as `f`."""
    found = part(asked.id, lambda one: joined("and_", ids("f.id", one)))
    found += part(asked.name, lambda one: joined("and_", names("f.name", one)))
    found += part(asked.tags, lambda one: tags("f.tags", one))
    if asked.deployment is not None:
        wanted = asked.deployment.is_null_
        undeployed = Clause(f"NOT {_DEPLOYED.sql}")
        found.append(clauses.EVERYTHING if wanted is None else undeployed if wanted else _DEPLOYED)
    return joined(asked.operator.value, found)


def task_run(asked: TaskRunFilter) -> Clause:
    """Which task runs, as `t`."""
    found = part(asked.id, lambda one: joined("and_", ids("t.id", one)))
    found += part(asked.name, lambda one: joined("and_", names("t.name", one)))
    found += part(asked.tags, _task_run_tags)
    found += part(asked.state, _task_run_state)
    found += part(asked.start_time, lambda one: joined("and_", times("t.start_time", one)))
    found += part(asked.end_time, lambda one: joined("and_", times("t.end_time", one)))
    # a task run is expected when it is made, but for the few whose detail says otherwise
    found += part(asked.expected_start_time, lambda one: joined("and_", times("t.created", one)))
    found += part(asked.subflow_runs, _subflows)
    found += part(asked.flow_run_id, _of_flow_runs)
    return joined(asked.operator.value, found)


def _task_run_tags(asked: FilterTags) -> Clause:
    return tags("t.detail, '$.tags'", asked)


def _task_run_state(asked: TaskRunFilterState) -> Clause:
    found: list[Clause] = []
    if asked.type is not None:
        any_ = asked.type.any_
        of_type = (
            clauses.EVERYTHING
            if any_ is None
            else clauses.any_of("t.state_type", [one.value for one in any_])
        )
        found.append(of_type)
    found += part(asked.name, lambda one: joined("and_", names("t.state_name", one)))
    return joined(asked.operator.value, found)


def _subflows(asked: TaskRunFilterSubFlowRuns) -> Clause:
    if asked.exists_ is None:
        return clauses.EVERYTHING
    some = "EXISTS (SELECT 1 FROM flow_run s WHERE s.parent_task_run_id = t.id)"
    return Clause(some if asked.exists_ else f"NOT {some}")


def _of_flow_runs(asked: TaskRunFilterFlowRunId) -> Clause:
    """`is_null_: false`, the default, asks for nothing."""
    found = ids("t.flow_run_id", asked)
    found += null("t.flow_run_id", asked.is_null_ or None)
    return joined(asked.operator.value, found)


def deployment(asked: DeploymentFilter) -> Clause:
    """Which deployments, as `d`."""
    found = part(asked.id, lambda one: joined("and_", ids("d.id", one)))
    found += part(asked.name, lambda one: joined("and_", names("d.name", one)))
    found += part(asked.flow_or_deployment_name, lambda one: _flow_or_deployment(one.like_))
    if asked.paused is not None:
        paused = asked.paused.eq_
        found.append(clauses.EVERYTHING if paused is None else clauses.compare("d.paused", "=", int(paused)))
    found += part(asked.tags, lambda one: tags("d.tags", one))
    found += part(
        asked.work_queue_name,
        lambda one: clauses.among("d.work_queue_id", "q.id", "work_queue q", names("q.name", one)),
    )
    found += part(asked.concurrency_limit, _limited)
    return joined(asked.operator.value, found)


def _flow_or_deployment(like: str | None) -> Clause:
    if like is None:
        return clauses.EVERYTHING
    of_flow = clauses.among("d.flow_id", "f.id", "flow f", [clauses.contains("f.name", like)])
    return joined("or_", [clauses.contains("d.name", like), of_flow])


def _limited(asked: DeploymentFilterConcurrencyLimit) -> Clause:
    found = null(CONCURRENCY_LIMIT, asked.is_null_)
    if asked.ge_ is not None:
        found.append(clauses.compare(CONCURRENCY_LIMIT, ">=", asked.ge_))
    if asked.le_ is not None:
        found.append(clauses.compare(CONCURRENCY_LIMIT, "<=", asked.le_))
    return joined("and_", found)


def work_pool(asked: WorkPoolFilter) -> Clause:
    """Which work pools, as `p`."""
    found = part(asked.id, lambda one: joined("and_", ids("p.id", one)))
    found += part(asked.name, lambda one: joined("and_", names("p.name", one)))
    found += part(asked.type, lambda one: joined("and_", names("p.type", one)))
    return joined(asked.operator.value, found)


def work_queue(asked: WorkQueueFilter) -> Clause:
    """Which work queues, as `q`."""
    found = part(asked.id, lambda one: joined("and_", ids("q.id", one)))
    found += part(asked.name, _queue_name)
    return joined(asked.operator.value, found)


def _queue_name(asked: WorkQueueFilterName) -> Clause:
    found = names("q.name", asked)
    if asked.startswith_ is not None:
        starts = [clauses.starts_with("q.name", text) for text in asked.startswith_]
        found.append(joined("or_", starts) if starts else clauses.NOTHING)
    return joined("and_", found)

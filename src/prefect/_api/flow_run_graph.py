"""The graph of a flow run: what it has run, what depended on what, and what ran inside of what."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._api.flow_runs import required
from prefect._base.clock import to_datetime, to_us
from prefect._storage import flow_runs, run_graph, task_runs
from prefect._storage.filters import Condition
from prefect.model.responses import DependencyResult, Edge, Graph, GraphState, Node
from prefect.model.run_inputs import TaskRunResult
from prefect.model.runs import TaskRun
from prefect.model.state import StateType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prefect._storage.run_graph import FlowNode, TaskNode

MOST_NODES = 10_000


@endpoint("GET", "/flow_runs/{id}/graph-v2")
def read_flow_run_graph(api: Api, id: UUID, since: datetime | None = None) -> Graph:
    """The graph of a run: with `since`, only what had not ended by then. Raises ObjectNotFound, Refused."""
    run = required(api, id)
    tasks = run_graph.task_runs(api.store, run.id, MOST_NODES + 1)
    subflows = run_graph.subflow_runs(api.store, run.id, MOST_NODES + 1)
    if len(tasks) > MOST_NODES:
        raise Refused(f"The graph of flow run {id} has more than {MOST_NODES:,} nodes: too many to show.")
    nodes = _nodes(tasks, subflows, to_us(since) if since else 0)
    return Graph.model_construct(
        None,
        start_time=_time(run.start_time),
        end_time=_time(run.end_time),
        root_node_ids=[node_id for node_id, node in nodes if not node.parents],
        nodes=nodes,
        artifacts=[],
        states=[
            GraphState(
                id=UUID(bytes=one.id),
                timestamp=to_datetime(one.timestamp),
                type=StateType(one.type),
                name=one.name,
            )
            for one in flow_runs.states(api.store, run.id)
        ],
    )


def _nodes(tasks: list[TaskNode], subflows: list[FlowNode], since: int) -> list[tuple[UUID, Node]]:
    """A subflow's run stands where the task run that stands for it would."""
    runs = {one.task_run_id: one for one in subflows if one.task_run_id is not None}
    started = [
        (task, shown)
        for task in tasks
        for shown in (runs.get(task.id, task),)
        if shown.start_time is not None and (shown.end_time is None or shown.end_time >= since)
    ]
    started.sort(key=lambda one: one[1].start_time or 0)
    names = {task.id: UUID(bytes=shown.id) for task, shown in started}
    parents = {task.id: _edges(names, _sources(task)) for task, _ in started}
    children: dict[UUID, list[Edge]] = {}
    for task, shown in started:
        for parent in parents[task.id]:
            children.setdefault(parent.id, []).append(Edge(id=UUID(bytes=shown.id)))
    return [
        (
            names[task.id],
            Node.model_construct(
                None,
                kind="task-run" if shown is task else "flow-run",
                id=names[task.id],
                label=_label(shown),
                state_type=StateType(shown.state_type),
                start_time=_time(shown.start_time),
                end_time=_time(shown.end_time),
                parents=parents[task.id],
                children=children.get(names[task.id], []),
                encapsulating=_edges(names, [task.parent_task_run_id, *_sources(task, "__parents__")]),
                artifacts=[],
            ),
        )
        for task, shown in started
    ]


def _label(shown: TaskNode | FlowNode) -> str:
    flow_name = getattr(shown, "flow_name", None)
    return shown.name if flow_name is None else f"{flow_name} / {shown.name}"


def _sources(task: TaskNode, only: str | None = None) -> list[bytes]:
    """The task runs that a task run's inputs came from; with `only`, that input's alone."""
    inputs: dict[str, list[Any]] = json.loads(task.detail).get("task_inputs", {}) if task.detail else {}
    wanted = (
        sources for name, sources in inputs.items() if (name == only if only else name != "__parents__")
    )
    found = (_task_run_id(source) for sources in wanted for source in sources)
    return [one for one in found if one is not None]


def _task_run_id(source: str | dict[str, Any]) -> bytes | None:
    if isinstance(source, str):
        return UUID(source).bytes
    return UUID(source["id"]).bytes if source.get("input_type") == "task_run" else None


def _edges(names: Mapping[bytes, UUID], sources: Iterable[bytes | None]) -> list[Edge]:
    known = (names.get(one) for one in dict.fromkeys(sources) if one is not None)
    return [Edge(id=one) for one in known if one is not None]


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else to_datetime(stored)


@endpoint("GET", "/flow_runs/{id}/graph")
def read_flow_run_dependencies(api: Api, id: UUID) -> list[DependencyResult]:
    """The task runs of a run, each with those that it depended on. Raises ObjectNotFound."""
    required(api, id)
    found = task_runs.find(api.store, [Condition("flow_run_id", "=", id.bytes)], limit=MOST_NODES)
    return [_dependent(TaskRun.from_record(one)) for one in reversed(found)]


def _dependent(run: TaskRun) -> DependencyResult:
    sources = [one for some in run.task_inputs.values() for one in some if isinstance(one, TaskRunResult)]
    unique = {one.id: one for one in sources}
    return DependencyResult.model_construct(
        None,
        id=run.id,
        name=run.name,
        upstream_dependencies=list(unique.values()),
        state=run.state,
        expected_start_time=run.expected_start_time,
        start_time=run.start_time,
        end_time=run.end_time,
        total_run_time=run.total_run_time,
        estimated_run_time=run.estimated_run_time,
        untrackable_result=run.state.state_details.untrackable_result if run.state else False,
    )

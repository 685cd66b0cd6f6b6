"""The SQL of what a flow run has run: as few columns as a graph of 10,000 nodes can do with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries


class TaskNode(NamedTuple):
    """A task run; `detail` is JSON, with the sources of its inputs."""

    id: bytes
    name: str
    state_type: str
    start_time: int | None
    end_time: int | None
    parent_task_run_id: bytes | None
    detail: str | None


class FlowNode(NamedTuple):
    """A subflow run, and the task run that stands for it."""

    id: bytes
    flow_name: str
    name: str
    state_type: str
    start_time: int | None
    end_time: int | None
    task_run_id: bytes | None


def task_runs(source: Queries, run_id: bytes, limit: int) -> list[TaskNode]:
    """The task runs of a flow run, in the order in which they were made."""
    rows = source.rows(
        "SELECT id, name, state_type, start_time, end_time, parent_task_run_id, detail "
        "FROM task_run WHERE flow_run_id = ? ORDER BY id LIMIT ?",
        (run_id, limit),
    )
    return [TaskNode._make(row) for row in rows]


def subflow_runs(source: Queries, run_id: bytes, limit: int) -> list[FlowNode]:
    """The flow runs that a flow run has started."""
    rows = source.rows(
        "SELECT r.id, f.name, r.name, r.state_type, r.start_time, r.end_time, r.parent_task_run_id "
        "FROM flow_run r JOIN flow f ON f.id = r.flow_id WHERE r.parent_flow_run_id = ? ORDER BY r.id LIMIT ?",
        (run_id, limit),
    )
    return [FlowNode._make(row) for row in rows]

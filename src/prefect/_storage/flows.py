"""The SQL of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Row, Transaction


class FlowRecord(NamedTuple):
    """A flow."""

    id: bytes
    name: str
    created: int
    updated: int
    tags: list[str]
    labels: dict[str, Any]


FLOWS = Table("flow", FlowRecord, json=("tags", "labels"), alias="f")

_RUNS = "SELECT id FROM flow_run WHERE flow_id = ?"
_OF_RUNS = ("flow_run_state", "flow_run_tag", "flow_run_input", "task_run", "log")
_NEXT = """
    SELECT id, flow_id, name, state_name, state_type, next_scheduled_start_time FROM (
        SELECT r.*, ROW_NUMBER() OVER (PARTITION BY r.flow_id ORDER BY r.next_scheduled_start_time, r.id) AS place
        FROM flow_run r WHERE r.state_type <> 'COMPLETED' AND r.state_type = 'SCHEDULED' AND r.flow_id IN ({marks})
        AND r.next_scheduled_start_time IS NOT NULL
    ) waiting WHERE place = 1
"""


def delete(cx: Transaction, flow_id: bytes) -> bool:
    """Remove a flow with its deployments and all of its runs; False where there is none."""
    for table in _OF_RUNS:
        cx.execute(f"DELETE FROM {table} WHERE flow_run_id IN ({_RUNS})", (flow_id,))  # noqa: S608
    cx.execute("DELETE FROM flow_run WHERE flow_id = ?", (flow_id,))
    deployments = "SELECT id FROM deployment WHERE flow_id = ?"
    cx.execute(f"DELETE FROM deployment_schedule WHERE deployment_id IN ({deployments})", (flow_id,))  # noqa: S608
    cx.execute("DELETE FROM deployment WHERE flow_id = ?", (flow_id,))
    return FLOWS.delete(cx, id=flow_id) > 0


def next_runs(source: Queries, flow_ids: Sequence[bytes]) -> list[Row]:
    """Of each flow that has scheduled runs, the first: id, flow, name, state's name and type, time."""
    return source.rows(_NEXT.format(marks=",".join("?" * len(flow_ids))), flow_ids) if flow_ids else []


def count_deployments(source: Queries, flow_ids: Sequence[bytes]) -> dict[bytes, int]:
    """How many deployments each flow has, where it has some."""
    if not flow_ids:
        return {}
    marks = ",".join("?" * len(flow_ids))
    rows = source.rows(
        f"SELECT flow_id, COUNT(*) FROM deployment WHERE flow_id IN ({marks}) GROUP BY flow_id",  # noqa: S608
        flow_ids,
    )
    return {bytes(flow_id): int(count) for flow_id, count in rows}

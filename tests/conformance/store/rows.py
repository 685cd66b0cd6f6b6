"""Rows as tests of the store need them: flow runs of any age, with task runs and logs."""

from __future__ import annotations

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import flow_runs, logs, task_runs
from prefect.model.records import FlowRunRecord, LogRecord, StateRecord, TaskRunRecord

DAY = 86_400_000_000


def id_at(moment: int) -> bytes:
    """An id that was made at a time."""
    return (moment // 1000).to_bytes(6, "big") + new_id()[6:]


def flow_run(
    cx, *, age_days=0.0, state_type="COMPLETED", parent=None, task_count=0, log_count=0
) -> FlowRunRecord:
    """Write a flow run that was made, and ended, so long ago, with its rows."""
    then = now_us() - round(age_days * DAY)
    run = FlowRunRecord(
        id=id_at(then),
        name="old-run",
        flow_id=flow_runs.flow_id_of(cx, "a-flow", then),
        flow_name="a-flow",
        state=StateRecord(new_id(), state_type, state_type.title(), then),
        created=then,
        updated=then,
        attempt=1,
        parent_flow_run_id=parent.id if parent is not None else None,
        root_flow_run_id=None,
        end_time=then,
    )
    flow_runs.insert(cx, run, [run.state])
    task_runs.upsert(cx, [task_run(run.id, then) for _ in range(task_count)])
    logs.insert(cx, [log_line(run.id, then) for _ in range(log_count)])
    return run


def task_run(flow_run_id, then, state_type="COMPLETED") -> TaskRunRecord:
    return TaskRunRecord(
        id=id_at(then),
        flow_run_id=flow_run_id,
        attempt=1,
        task_key="a-task-1",
        name="a-task-1",
        created=then,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type=state_type,
        state_name=state_type.title(),
        state_timestamp=then,
    )


def log_line(flow_run_id, then) -> LogRecord:
    return LogRecord(id_at(then), then, 20, "a-logger", "a message", flow_run_id, None)


def count(store, table: str) -> int:
    return store.rows(f"SELECT COUNT(*) FROM {table}")[0][0]

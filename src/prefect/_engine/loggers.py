"""The loggers of runs, made from what the engine knows without making the runs' models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.logging.loggers import PrefectLogAdapter, get_logger

if TYPE_CHECKING:
    import logging

    from prefect._engine.flow_call import FlowCall
    from prefect._engine.task_call import TaskCall


def flow_logger(call: FlowCall) -> logging.LoggerAdapter[Any]:
    """A logger whose lines belong to the flow run."""
    extra = {
        "flow_run_id": str(UUID(bytes=call.id)),
        "flow_run_name": call.record.name,
        "flow_name": call.flow.name,
    }
    return PrefectLogAdapter(get_logger("prefect.flow_runs"), extra)


def task_logger(call: TaskCall) -> logging.LoggerAdapter[Any]:
    """A logger whose lines belong to the task run."""
    flow = call.flow
    extra = {
        "task_run_id": str(UUID(bytes=call.id)),
        "task_run_name": call.name,
        "task_name": call.task.name,
        "flow_run_id": str(UUID(bytes=flow.id)) if flow is not None else "<unknown>",
        "flow_run_name": flow.record.name if flow is not None else "<unknown>",
        "flow_name": flow.flow.name if flow is not None else "<unknown>",
    }
    return PrefectLogAdapter(get_logger("prefect.task_runs"), extra)

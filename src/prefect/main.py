"""The public names, importable at once: `from prefect.main import flow, task`."""

from __future__ import annotations

from prefect.client.schemas.objects import State
from prefect.context import tags
from prefect.flows import Flow, flow
from prefect.logging.loggers import get_run_logger
from prefect.tasks import Task, task
from prefect.transactions import Transaction
from prefect.utilities.annotations import allow_failure, unmapped

__all__ = [
    "Flow",
    "State",
    "Task",
    "Transaction",
    "allow_failure",
    "flow",
    "get_run_logger",
    "tags",
    "task",
    "unmapped",
]

"""Workflow orchestration for resilient data pipelines: `from prefect import flow, task`.

Names are imported when they are first used (PEP 562), so that a program pays only for what it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from prefect._version import __version__ as __version__

if TYPE_CHECKING:
    from prefect.client.orchestration import get_client as get_client
    from prefect.client.schemas.objects import State as State
    from prefect.context import tags as tags
    from prefect.deployments.runner import deploy as deploy
    from prefect.flow_runs import apause_flow_run as apause_flow_run
    from prefect.flow_runs import aresume_flow_run as aresume_flow_run
    from prefect.flow_runs import asuspend_flow_run as asuspend_flow_run
    from prefect.flow_runs import pause_flow_run as pause_flow_run
    from prefect.flow_runs import resume_flow_run as resume_flow_run
    from prefect.flow_runs import suspend_flow_run as suspend_flow_run
    from prefect.flows import Flow as Flow
    from prefect.flows import aserve as aserve
    from prefect.flows import flow as flow
    from prefect.flows import serve as serve
    from prefect.logging.loggers import get_run_logger as get_run_logger
    from prefect.tasks import Task as Task
    from prefect.tasks import task as task
    from prefect.transactions import Transaction as Transaction
    from prefect.utilities.annotations import allow_failure as allow_failure
    from prefect.utilities.annotations import unmapped as unmapped

_HOMES = {
    "apause_flow_run": "prefect.flow_runs",
    "aresume_flow_run": "prefect.flow_runs",
    "aserve": "prefect.flows",
    "asuspend_flow_run": "prefect.flow_runs",
    "deploy": "prefect.deployments.runner",
    "get_client": "prefect.client.orchestration",
    "pause_flow_run": "prefect.flow_runs",
    "resume_flow_run": "prefect.flow_runs",
    "serve": "prefect.flows",
    "suspend_flow_run": "prefect.flow_runs",
    "Flow": "prefect.flows",
    "State": "prefect.client.schemas.objects",
    "Task": "prefect.tasks",
    "Transaction": "prefect.transactions",
    "allow_failure": "prefect.utilities.annotations",
    "flow": "prefect.flows",
    "get_run_logger": "prefect.logging.loggers",
    "tags": "prefect.context",
    "task": "prefect.tasks",
    "unmapped": "prefect.utilities.annotations",
}

__all__ = [
    "Flow",
    "State",
    "Task",
    "Transaction",
    "__version__",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "aserve",
    "asuspend_flow_run",
    "deploy",
    "flow",
    "get_client",
    "get_run_logger",
    "pause_flow_run",
    "resume_flow_run",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        try:
            return importlib.import_module(f"prefect.{name}")
        except ModuleNotFoundError as exc:
            if exc.name != f"prefect.{name}":
                raise
        raise AttributeError(f"module 'prefect' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Every order in which the API lists. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.requests.artifacts import (
        ArtifactCollectionSort,
        ArtifactSort,
    )
    from prefect.model.requests.automations import (
        AutomationSort,
    )
    from prefect.model.requests.blocks import (
        BlockDocumentSort,
    )
    from prefect.model.requests.deployments import DeploymentSort
    from prefect.model.requests.flow_runs import FlowRunSort
    from prefect.model.requests.flows import FlowSort
    from prefect.model.requests.logs import LogSort
    from prefect.model.requests.task_runs import TaskRunSort
    from prefect.model.requests.variables import (
        VariableSort,
    )

__all__ = [
    "ArtifactCollectionSort",
    "ArtifactSort",
    "AutomationSort",
    "BlockDocumentSort",
    "DeploymentSort",
    "FlowRunSort",
    "FlowSort",
    "LogSort",
    "TaskRunSort",
    "VariableSort",
]

_ROOMS = (
    "flows",
    "flow_runs",
    "task_runs",
    "deployments",
    "logs",
    "artifacts",
    "variables",
    "blocks",
    "automations",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.requests.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value

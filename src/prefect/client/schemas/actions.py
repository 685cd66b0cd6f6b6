"""Everything that creates or changes what is stored. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.requests.artifacts import (
        ArtifactCreate,
        ArtifactUpdate,
    )
    from prefect.model.requests.automations import (
        SavedSearchCreate,
    )
    from prefect.model.requests.blocks import (
        BlockDocumentCreate,
        BlockDocumentReferenceCreate,
        BlockDocumentUpdate,
        BlockSchemaCreate,
        BlockTypeCreate,
        BlockTypeUpdate,
    )
    from prefect.model.requests.concurrency import (
        ConcurrencyLimitCreate,
        ConcurrencyLimitV2Create,
        ConcurrencyLimitV2Update,
        GlobalConcurrencyLimitCreate,
        GlobalConcurrencyLimitUpdate,
    )
    from prefect.model.requests.deployment_actions import (
        DeploymentCreate,
        DeploymentFlowRunCreate,
        DeploymentScheduleCreate,
        DeploymentScheduleUpdate,
        DeploymentUpdate,
    )
    from prefect.model.requests.flow_run_actions import (
        FlowRunCreate,
        FlowRunUpdate,
    )
    from prefect.model.requests.flows import (
        FlowCreate,
        FlowUpdate,
    )
    from prefect.model.requests.logs import LogCreate
    from prefect.model.requests.states import (
        StateCreate,
    )
    from prefect.model.requests.task_run_actions import TaskRunCreate, TaskRunUpdate
    from prefect.model.requests.variables import (
        VariableCreate,
        VariableUpdate,
    )
    from prefect.model.requests.work_pool_actions import (
        WorkPoolCreate,
        WorkPoolUpdate,
        WorkQueueCreate,
        WorkQueueUpdate,
    )

__all__ = [
    "ArtifactCreate",
    "ArtifactUpdate",
    "BlockDocumentCreate",
    "BlockDocumentReferenceCreate",
    "BlockDocumentUpdate",
    "BlockSchemaCreate",
    "BlockTypeCreate",
    "BlockTypeUpdate",
    "ConcurrencyLimitCreate",
    "ConcurrencyLimitV2Create",
    "ConcurrencyLimitV2Update",
    "DeploymentCreate",
    "DeploymentFlowRunCreate",
    "DeploymentScheduleCreate",
    "DeploymentScheduleUpdate",
    "DeploymentUpdate",
    "FlowCreate",
    "FlowRunCreate",
    "FlowRunUpdate",
    "FlowUpdate",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
    "LogCreate",
    "SavedSearchCreate",
    "StateCreate",
    "TaskRunCreate",
    "TaskRunUpdate",
    "VariableCreate",
    "VariableUpdate",
    "WorkPoolCreate",
    "WorkPoolUpdate",
    "WorkQueueCreate",
    "WorkQueueUpdate",
]

_ROOMS = (
    "artifacts",
    "variables",
    "concurrency",
    "deployment_actions",
    "work_pool_actions",
    "flows",
    "flow_run_actions",
    "states",
    "blocks",
    "automations",
    "logs",
    "task_run_actions",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.requests.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value

"""Every schema of a stored object. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.base import CreatedBy, DateTime, ObjectBaseModel, PrefectBaseModel, UpdatedBy
    from prefect.model.blocks import (
        DEFAULT_BLOCK_SCHEMA_VERSION,
        BlockDocument,
        BlockDocumentReference,
        BlockSchema,
        BlockSchemaReference,
        BlockType,
    )
    from prefect.model.concurrency import (
        ConcurrencyLeaseHolder,
        ConcurrencyLimit,
        ConcurrencyLimitConfig,
        ConcurrencyLimitStrategy,
        ConcurrencyOptions,
        GlobalConcurrencyLimit,
    )
    from prefect.model.deployments import (
        BranchingScheduleHandling,
        Deployment,
        DeploymentBranchingOptions,
        DeploymentSchedule,
        DeploymentStatus,
        VersionInfo,
    )
    from prefect.model.objects import (
        MAX_VARIABLE_NAME_LENGTH,
        Artifact,
        ArtifactCollection,
        Configuration,
        CsrfToken,
        Flow,
        FlowRunInput,
        IPAllowlist,
        IPAllowlistEntry,
        IPAllowlistMyAccessResponse,
        Log,
        SavedSearch,
        SavedSearchFilter,
        Variable,
        Workspace,
    )
    from prefect.model.results import ResultRecordMetadata, data_discriminator
    from prefect.model.run_inputs import Constant, FlowRunResult, Parameter, RunInput, RunType, TaskRunResult
    from prefect.model.runs import FlowRun, FlowRunPolicy, TaskRun, TaskRunPolicy
    from prefect.model.schedules import SCHEDULE_TYPES
    from prefect.model.state import TERMINAL_STATES, State, StateDetails, StateType
    from prefect.model.work_pools import (
        Agent,
        Integration,
        QueueFilter,
        ServerDefaultResultStorage,
        ServerDefaultResultStorageUpdate,
        Worker,
        WorkerMetadata,
        WorkerStatus,
        WorkPool,
        WorkPoolStatus,
        WorkPoolStorageConfiguration,
        WorkQueue,
        WorkQueueHealthPolicy,
        WorkQueueStatus,
        WorkQueueStatusDetail,
    )

__all__ = [
    "DEFAULT_BLOCK_SCHEMA_VERSION",
    "MAX_VARIABLE_NAME_LENGTH",
    "SCHEDULE_TYPES",
    "TERMINAL_STATES",
    "Agent",
    "Artifact",
    "ArtifactCollection",
    "BlockDocument",
    "BlockDocumentReference",
    "BlockSchema",
    "BlockSchemaReference",
    "BlockType",
    "BranchingScheduleHandling",
    "ConcurrencyLeaseHolder",
    "ConcurrencyLimit",
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "ConcurrencyOptions",
    "Configuration",
    "Constant",
    "CreatedBy",
    "CsrfToken",
    "DateTime",
    "Deployment",
    "DeploymentBranchingOptions",
    "DeploymentSchedule",
    "DeploymentStatus",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "FlowRunResult",
    "GlobalConcurrencyLimit",
    "IPAllowlist",
    "IPAllowlistEntry",
    "IPAllowlistMyAccessResponse",
    "Integration",
    "Log",
    "ObjectBaseModel",
    "Parameter",
    "PrefectBaseModel",
    "QueueFilter",
    "ResultRecordMetadata",
    "RunInput",
    "RunType",
    "SavedSearch",
    "SavedSearchFilter",
    "ServerDefaultResultStorage",
    "ServerDefaultResultStorageUpdate",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
    "UpdatedBy",
    "Variable",
    "VersionInfo",
    "WorkPool",
    "WorkPoolStatus",
    "WorkPoolStorageConfiguration",
    "WorkQueue",
    "WorkQueueHealthPolicy",
    "WorkQueueStatus",
    "WorkQueueStatusDetail",
    "Worker",
    "WorkerMetadata",
    "WorkerStatus",
    "Workspace",
    "data_discriminator",
]

# where they are, the most wanted first: whoever asks for a State pays for no more than that
_ROOMS = (
    "state",
    "runs",
    "run_inputs",
    "results",
    "base",
    "objects",
    "concurrency",
    "schedules",
    "deployments",
    "work_pools",
    "blocks",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value

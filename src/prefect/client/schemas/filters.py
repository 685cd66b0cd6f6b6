"""Every filter of the API. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.requests.artifacts import (
        ArtifactCollectionFilter,
        ArtifactCollectionFilterFlowRunId,
        ArtifactCollectionFilterKey,
        ArtifactCollectionFilterLatestId,
        ArtifactCollectionFilterTaskRunId,
        ArtifactCollectionFilterType,
        ArtifactFilter,
        ArtifactFilterFlowRunId,
        ArtifactFilterId,
        ArtifactFilterKey,
        ArtifactFilterTaskRunId,
        ArtifactFilterType,
    )
    from prefect.model.requests.base import (
        Operator,
        OperatorMixin,
    )
    from prefect.model.requests.deployments import (
        DeploymentFilter,
        DeploymentFilterConcurrencyLimit,
        DeploymentFilterId,
        DeploymentFilterName,
        DeploymentFilterPaused,
        DeploymentFilterTags,
        DeploymentFilterWorkQueueName,
        DeploymentOrFlowNameFilter,
    )
    from prefect.model.requests.flow_runs import (
        FlowRunFilter,
        FlowRunFilterCreatedBy,
        FlowRunFilterDeploymentId,
        FlowRunFilterEndTime,
        FlowRunFilterExpectedStartTime,
        FlowRunFilterFlowVersion,
        FlowRunFilterId,
        FlowRunFilterIdempotencyKey,
        FlowRunFilterName,
        FlowRunFilterNextScheduledStartTime,
        FlowRunFilterParentFlowRunId,
        FlowRunFilterParentTaskRunId,
        FlowRunFilterStartTime,
        FlowRunFilterState,
        FlowRunFilterStateName,
        FlowRunFilterStateType,
        FlowRunFilterTags,
        FlowRunFilterWorkQueueName,
    )
    from prefect.model.requests.flows import (
        FlowFilter,
        FlowFilterDeployment,
        FlowFilterId,
        FlowFilterName,
        FlowFilterTags,
    )
    from prefect.model.requests.logs import (
        LogFilter,
        LogFilterFlowRunId,
        LogFilterLevel,
        LogFilterName,
        LogFilterTaskRunId,
        LogFilterTextSearch,
        LogFilterTimestamp,
    )
    from prefect.model.requests.task_runs import (
        TaskRunFilter,
        TaskRunFilterEndTime,
        TaskRunFilterExpectedStartTime,
        TaskRunFilterFlowRunId,
        TaskRunFilterId,
        TaskRunFilterName,
        TaskRunFilterStartTime,
        TaskRunFilterState,
        TaskRunFilterStateName,
        TaskRunFilterStateType,
        TaskRunFilterSubFlowRuns,
        TaskRunFilterTags,
    )
    from prefect.model.requests.variables import (
        VariableFilter,
        VariableFilterId,
        VariableFilterName,
        VariableFilterTags,
    )
    from prefect.model.requests.work_pool_actions import (
        WorkerFilter,
        WorkerFilterLastHeartbeatTime,
        WorkerFilterStatus,
        WorkerFilterWorkPoolId,
    )
    from prefect.model.requests.work_pools import (
        WorkPoolFilter,
        WorkPoolFilterId,
        WorkPoolFilterName,
        WorkPoolFilterType,
        WorkQueueFilter,
        WorkQueueFilterId,
        WorkQueueFilterName,
    )

__all__ = [
    "ArtifactCollectionFilter",
    "ArtifactCollectionFilterFlowRunId",
    "ArtifactCollectionFilterKey",
    "ArtifactCollectionFilterLatestId",
    "ArtifactCollectionFilterTaskRunId",
    "ArtifactCollectionFilterType",
    "ArtifactFilter",
    "ArtifactFilterFlowRunId",
    "ArtifactFilterId",
    "ArtifactFilterKey",
    "ArtifactFilterTaskRunId",
    "ArtifactFilterType",
    "DeploymentFilter",
    "DeploymentFilterConcurrencyLimit",
    "DeploymentFilterId",
    "DeploymentFilterName",
    "DeploymentFilterPaused",
    "DeploymentFilterTags",
    "DeploymentFilterWorkQueueName",
    "DeploymentOrFlowNameFilter",
    "FlowFilter",
    "FlowFilterDeployment",
    "FlowFilterId",
    "FlowFilterName",
    "FlowFilterTags",
    "FlowRunFilter",
    "FlowRunFilterCreatedBy",
    "FlowRunFilterDeploymentId",
    "FlowRunFilterEndTime",
    "FlowRunFilterExpectedStartTime",
    "FlowRunFilterFlowVersion",
    "FlowRunFilterId",
    "FlowRunFilterIdempotencyKey",
    "FlowRunFilterName",
    "FlowRunFilterNextScheduledStartTime",
    "FlowRunFilterParentFlowRunId",
    "FlowRunFilterParentTaskRunId",
    "FlowRunFilterStartTime",
    "FlowRunFilterState",
    "FlowRunFilterStateName",
    "FlowRunFilterStateType",
    "FlowRunFilterTags",
    "FlowRunFilterWorkQueueName",
    "LogFilter",
    "LogFilterFlowRunId",
    "LogFilterLevel",
    "LogFilterName",
    "LogFilterTaskRunId",
    "LogFilterTextSearch",
    "LogFilterTimestamp",
    "Operator",
    "OperatorMixin",
    "TaskRunFilter",
    "TaskRunFilterEndTime",
    "TaskRunFilterExpectedStartTime",
    "TaskRunFilterFlowRunId",
    "TaskRunFilterId",
    "TaskRunFilterName",
    "TaskRunFilterStartTime",
    "TaskRunFilterState",
    "TaskRunFilterStateName",
    "TaskRunFilterStateType",
    "TaskRunFilterSubFlowRuns",
    "TaskRunFilterTags",
    "VariableFilter",
    "VariableFilterId",
    "VariableFilterName",
    "VariableFilterTags",
    "WorkPoolFilter",
    "WorkPoolFilterId",
    "WorkPoolFilterName",
    "WorkPoolFilterType",
    "WorkQueueFilter",
    "WorkQueueFilterId",
    "WorkQueueFilterName",
    "WorkerFilter",
    "WorkerFilterLastHeartbeatTime",
    "WorkerFilterStatus",
    "WorkerFilterWorkPoolId",
]

_ROOMS = (
    "base",
    "flows",
    "flow_runs",
    "task_runs",
    "deployments",
    "work_pools",
    "logs",
    "artifacts",
    "variables",
    "work_pool_actions",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.requests.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value

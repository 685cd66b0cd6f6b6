"""What the API answers besides stored objects. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.concurrency import (
        ConcurrencyLimitWithLeaseResponse,
        GlobalConcurrencyLimitResponse,
        MinimalConcurrencyLimitResponse,
    )
    from prefect.model.deployments import (
        DeploymentResponse,
    )
    from prefect.model.responses import (
        FlowRunResponse,
        HistoryResponse,
        HistoryResponseState,
        OrchestrationResult,
        SetStateStatus,
        StateAbortDetails,
        StateAcceptDetails,
        StateRejectDetails,
        StateWaitDetails,
    )
    from prefect.model.work_pools import (
        FlowRunSlotSummary,
        WorkerFlowRunResponse,
        WorkPoolConcurrencyStatus,
        WorkQueueConcurrencyStatus,
        WorkQueueConcurrencyStatusDetail,
    )

__all__ = [
    "ConcurrencyLimitWithLeaseResponse",
    "DeploymentResponse",
    "FlowRunResponse",
    "FlowRunSlotSummary",
    "GlobalConcurrencyLimitResponse",
    "HistoryResponse",
    "HistoryResponseState",
    "MinimalConcurrencyLimitResponse",
    "OrchestrationResult",
    "SetStateStatus",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateRejectDetails",
    "StateWaitDetails",
    "WorkPoolConcurrencyStatus",
    "WorkQueueConcurrencyStatus",
    "WorkQueueConcurrencyStatusDetail",
    "WorkerFlowRunResponse",
]

_ROOMS = ("concurrency", "deployments", "work_pools", "responses")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value

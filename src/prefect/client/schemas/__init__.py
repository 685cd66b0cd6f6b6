"""The schemas of the API; each is imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.client.schemas import objects

if TYPE_CHECKING:
    from prefect.client.schemas.objects import (
        DEFAULT_BLOCK_SCHEMA_VERSION,
        BlockDocument,
        BlockSchema,
        BlockType,
        FlowRun,
        FlowRunPolicy,
        FlowRunResult,
        State,
        StateDetails,
        StateType,
        TaskRun,
        TaskRunPolicy,
        TaskRunResult,
        Workspace,
    )

__all__ = [
    "DEFAULT_BLOCK_SCHEMA_VERSION",
    "BlockDocument",
    "BlockSchema",
    "BlockType",
    "FlowRun",
    "FlowRunPolicy",
    "FlowRunResult",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(objects, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

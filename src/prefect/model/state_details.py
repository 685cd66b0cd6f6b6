"""What only some states carry, and the form in which a record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from typing_extensions import Self

from prefect._base.clock import to_datetime, to_us
from prefect.model.base import DateTime, PrefectBaseModel

if TYPE_CHECKING:
    from prefect.model.run_inputs import FlowRunResult, RunType, TaskRunResult

# In a record, times are microseconds, ids are UUID strings, and what has its default value is left out.
# The ids of the run itself are left out too: the row knows them.
_TIMES = frozenset(("scheduled_time", "cache_expiration", "pause_timeout"))
_IDS = frozenset(
    ("child_flow_run_id", "transition_id", "task_parameters_id", "deployment_concurrency_lease_id")
)
_RUN_IDS = frozenset(("flow_run_id", "task_run_id"))


class StateDetails(PrefectBaseModel):
    """What only some states carry."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: DateTime | None = None
    cache_key: str | None = None
    cache_expiration: DateTime | None = None
    deferred: bool | None = None
    untrackable_result: bool = False
    pause_timeout: DateTime | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None

    def to_run_result(self, run_type: RunType) -> FlowRunResult | TaskRunResult | None:
        """The run this state belongs to, as `TaskRun.task_inputs` holds it; None if it is not known."""
        from prefect.model.run_inputs import FlowRunResult, RunType, TaskRunResult  # 2 ms, rarely needed

        if run_type is RunType.FLOW_RUN:
            return FlowRunResult(id=self.flow_run_id) if self.flow_run_id else None
        return TaskRunResult(id=self.task_run_id) if self.task_run_id else None

    @classmethod
    def from_record(
        cls, stored: Mapping[str, Any], flow_run_id: bytes | None, task_run_id: bytes | None
    ) -> Self:
        """The details of a stored record, which are trusted; the ids are those of the run."""
        values: dict[str, Any] = {
            name: to_datetime(value) if name in _TIMES else UUID(value) if name in _IDS else value
            for name, value in stored.items()
        }
        if flow_run_id:
            values["flow_run_id"] = UUID(bytes=flow_run_id)
        if task_run_id:
            values["task_run_id"] = UUID(bytes=task_run_id)
        return cls.model_construct(None, **values)

    def to_record(self) -> dict[str, Any]:
        """What a record keeps of them."""
        kept = ((name, field) for name, field in type(self).model_fields.items() if name not in _RUN_IDS)
        values = {name: getattr(self, name) for name, field in kept if getattr(self, name) != field.default}
        return {
            name: to_us(value) if name in _TIMES else str(value) if name in _IDS else value
            for name, value in values.items()
            if value is not None
        }

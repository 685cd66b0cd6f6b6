"""States that are proposed, and what became of them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.model.records import StateRecord
from prefect.model.responses import (
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
    StateResponseDetails,
    StateWaitDetails,
)
from prefect.model.results import ResultRecordMetadata
from prefect.model.state import default_name

if TYPE_CHECKING:
    from prefect._backend.protocol import Answer
    from prefect._backend.task_run_states import TaskAnswer
    from prefect.model.requests.states import StateCreate


def pending() -> StateRecord:
    """The state of a run that was asked for without one."""
    return StateRecord(new_id(), "PENDING", "Pending", now_us())


def record_of(asked: StateCreate) -> StateRecord:
    """The state to store: the id and the time are the server's. A scheduled state without a time is for now."""
    now = now_us()
    details = asked.state_details.to_record() if asked.state_details.model_fields_set else {}
    if asked.type == "SCHEDULED":
        details.setdefault("scheduled_time", now)
    return StateRecord(
        id=new_id(),
        type=asked.type.value,
        name=asked.name or default_name(asked.type),
        timestamp=now,
        message=asked.message,
        data=_data(asked.data),
        details=details or None,
    )


def _data(asked: Any) -> dict[str, Any] | None:
    if isinstance(asked, ResultRecordMetadata):
        return asked.model_dump(mode="json")
    return None if asked is None else {"value": asked}


def outcome(answer: Answer | TaskAnswer) -> tuple[SetStateStatus, StateResponseDetails]:
    """What became of a proposal, as it is answered."""
    status, reason = SetStateStatus(answer.status), answer.reason
    if status is SetStateStatus.ACCEPT:
        return status, StateAcceptDetails()
    if status is SetStateStatus.REJECT:
        return status, StateRejectDetails(reason=reason)
    if status is SetStateStatus.WAIT:
        return status, StateWaitDetails(delay_seconds=ceil(answer.delay_seconds), reason=reason)
    return status, StateAbortDetails(reason=reason)

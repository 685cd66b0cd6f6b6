"""The state of a run: what it is doing or how it ended, since when, and what it returned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Generic, Literal, cast, overload
from uuid import UUID

from pydantic import Field, PrivateAttr, model_validator
from typing_extensions import Self, TypeVar

from prefect._base.clock import now, to_datetime, to_us
from prefect._base.current import wants_awaitable
from prefect._base.ids import new_uuid
from prefect.model.base import NamedEnum, ObjectBaseModel
from prefect.model.records import StateRecord
from prefect.model.results import ResultRecordMetadata, data_discriminator
from prefect.model.state_details import StateDetails
from prefect.model.state_result import needs_io, result_of

R = TypeVar("R", default=Any)


class StateType(NamedEnum):
    """The nine kinds of state; four of them are terminal."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL_STATES = frozenset((StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED))


class State(ObjectBaseModel, Generic[R]):
    """The state of a run.

    `type` decides what may follow; `name` refines it for people ("Late", "AwaitingRetry", "Cached" …).
    `data` is the result, while it is in memory, or says where it is stored (`ResultRecordMetadata`).
    """

    _is_prefect_state: ClassVar[bool] = True  # lets lower layers know a State without importing this module

    type: StateType
    name: str | None = None
    timestamp: datetime = Field(default_factory=now)
    message: str | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
    data: Any = None
    _holds_result: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def default_name_from_type(self) -> Self:
        """Without a name, the type in title case."""
        if self.name is None:
            self.name = default_name(self.type)
        return self

    @model_validator(mode="after")
    def default_scheduled_start_time(self) -> Self:
        """A scheduled state without a time is scheduled for now."""
        if self.type == StateType.SCHEDULED and self.state_details.scheduled_time is None:
            self.state_details.scheduled_time = now()
        return self

    @model_validator(mode="after")
    def set_unpersisted_results_to_none(self) -> Self:
        """JSON from an API says `{"type": "unpersisted"}` for a result that was not kept."""
        data: Any = self.data
        if isinstance(data, dict):
            if cast("dict[str, Any]", data).get("type") == "unpersisted":
                self.data = None
            elif data_discriminator(data) == "ResultRecordMetadata":
                self.data = ResultRecordMetadata.model_validate(data)
        return self

    def hold_result(self, value: Any) -> Self:
        """Put a result into this state, in memory: unlike `data=None`, a None held so is a result."""
        self.data = value
        self._holds_result = True
        return self

    @property
    def holds_result(self) -> bool:
        """Whether `data` is the run's result itself, even if it is None."""
        return self._holds_result or not (self.data is None or isinstance(self.data, ResultRecordMetadata))

    @overload
    def result(self, raise_on_failure: Literal[True] = ..., retry_result_failure: bool = ...) -> R: ...
    @overload
    def result(self, raise_on_failure: bool = ..., retry_result_failure: bool = ...) -> R | Exception: ...

    def result(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> Any:
        """What the run returned. Under a running event loop, an awaitable of it (behaviours 13, 23, 58).

        Args:
            raise_on_failure: raise the exception of a failed, crashed or cancelled run; False returns it.
            retry_result_failure: try again when a stored result cannot be read.

        Raises:
            UnfinishedRun: the run has not ended. PausedRun: it is paused.
            MissingResult: it ended well, but its result was not kept.
        """
        if wants_awaitable():
            return self.aresult(raise_on_failure, retry_result_failure)
        return result_of(self, raise_on_failure=raise_on_failure, retry=retry_result_failure)

    async def aresult(
        self, raise_on_failure: bool = True, retry_result_failure: bool = True
    ) -> R | Exception:
        """The async form of `result`."""
        read = partial(result_of, self, raise_on_failure=raise_on_failure, retry=retry_result_failure)
        if not needs_io(self):
            return read()
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(read)

    def is_scheduled(self) -> bool:
        """Waits for its time."""
        return self.type == StateType.SCHEDULED

    def is_pending(self) -> bool:
        """About to run."""
        return self.type == StateType.PENDING

    def is_running(self) -> bool:
        """Being executed."""
        return self.type == StateType.RUNNING

    def is_completed(self) -> bool:
        """Ended well."""
        return self.type == StateType.COMPLETED

    def is_failed(self) -> bool:
        """Ended by an exception of the user's code."""
        return self.type == StateType.FAILED

    def is_crashed(self) -> bool:
        """Ended from outside: a signal, a dead process."""
        return self.type == StateType.CRASHED

    def is_cancelled(self) -> bool:
        """Ended because somebody asked for it."""
        return self.type == StateType.CANCELLED

    def is_cancelling(self) -> bool:
        """Being stopped."""
        return self.type == StateType.CANCELLING

    def is_final(self) -> bool:
        """Terminal: completed, failed, cancelled or crashed (behaviour 25)."""
        return self.type in TERMINAL_STATES

    def is_paused(self) -> bool:
        """Waits for somebody to resume it."""
        return self.type == StateType.PAUSED

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with the present time as its timestamp, unless `update` gives one."""
        return super().model_copy(update={"timestamp": now(), **(update or {})}, deep=deep)

    def fresh_copy(self, *, deep: bool = False) -> Self:
        """A copy that is a state of its own: new id, all times now."""
        moment = now()
        new = {"id": new_uuid(), "created": moment, "updated": moment, "timestamp": moment}
        return self.model_copy(update=new, deep=deep)

    @classmethod
    def from_record(
        cls, record: StateRecord, *, flow_run_id: bytes | None = None, task_run_id: bytes | None = None
    ) -> Self:
        """The state of a stored record, which is trusted; the ids are those of the run it belongs to."""
        data: Any = record.data
        if data is not None:
            kept = data_discriminator(data) == "ResultRecordMetadata"
            data = ResultRecordMetadata.model_validate(data) if kept else data.get("value")
        return cls.model_construct(
            id=UUID(bytes=record.id),
            type=StateType(record.type),
            name=record.name,
            timestamp=to_datetime(record.timestamp),
            message=record.message,
            state_details=StateDetails.from_record(record.details or {}, flow_run_id, task_run_id),
            data=data,
        )

    def to_record(self) -> StateRecord:
        """What is stored of this state. A result in memory is not: who stores it puts its metadata there."""
        stored = isinstance(self.data, ResultRecordMetadata)
        return StateRecord(
            id=self.id.bytes,
            type=StateType(self.type).value,
            name=self.name or default_name(self.type),
            timestamp=to_us(self.timestamp),
            message=self.message,
            data=self.data.model_dump(mode="json") if stored else None,
            details=self.state_details.to_record() or None,
        )

    def __str__(self) -> str:
        """`Failed('message')`, or `Late(type=SCHEDULED)` for another name (behaviour 25)."""
        named_after_type = (self.name or "").upper() == StateType(self.type).value
        parts = [f"{self.message!r}"] if self.message else []
        parts += [] if named_after_type else [f"type={StateType(self.type).value}"]
        return f"{self.name}({', '.join(parts)})"

    def __repr__(self) -> str:
        return (
            f"{self.name}(message={self.message!r}, type={StateType(self.type).value}, result={self.data!r})"
        )

    def __hash__(self) -> int:  # type: ignore[override]  # equal states have equal types and timestamps
        return hash((self.type, self.timestamp))


def default_name(state_type: StateType | str) -> str:
    """The name of a state that was given none."""
    return StateType(state_type).value.capitalize()

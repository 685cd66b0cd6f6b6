"""A state that somebody proposes."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field, field_validator

from prefect.model.requests.base import ActionBaseModel
from prefect.model.results import ResultRecordMetadata, data_discriminator
from prefect.model.state import State, StateDetails, StateType


class StateCreate(ActionBaseModel):
    """A state to enter. `data` says where the result is stored, or is any JSON."""

    type: StateType
    name: str | None = None
    message: str | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
    data: Any = None

    @field_validator("data", mode="before")
    @classmethod
    def read_data(cls, data: Any) -> Any:
        """`{"type": "unpersisted"}` stands for a result that was not kept."""
        if data_discriminator(data) == "ResultRecordMetadata":
            return ResultRecordMetadata.model_validate(data)
        if isinstance(data, dict):
            given = cast("dict[str, Any]", data)
            return None if given.get("type") == "unpersisted" else given
        return data


def proposed(state: State[Any]) -> StateCreate:
    """What is sent of a state. A result in memory is not: only where one is stored."""
    return StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        state_details=state.state_details,
        data=state.data if isinstance(state.data, ResultRecordMetadata) else None,
    )

"""A state that is asked for."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from prefect.model.records import StateRecord
from prefect.model.requests.base import ActionBaseModel
from prefect.model.state import State, StateType
from prefect.model.state_details import StateDetails


class StateCreate(ActionBaseModel):
    """A state for a run; the time at which it is entered is the server's."""

    type: StateType
    name: str | None = None
    message: str | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
    data: Any = None

    def to_record(self) -> StateRecord:
        """What is stored of it; a scheduled state without a time is scheduled for now."""
        state: State[Any] = State(
            type=self.type,
            name=self.name,
            message=self.message,
            state_details=self.state_details,
            data=self.data,
        )
        return state.to_record()

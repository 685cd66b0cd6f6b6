"""What a task run was called with, as far as it can be traced (behaviour 31)."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import ConfigDict

from prefect.model.base import NamedEnum, PrefectBaseModel


class RunType(NamedEnum):
    """The two kinds of run."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"


class RunInput(PrefectBaseModel):
    """One traced input of a task run; immutable and hashable."""

    model_config = ConfigDict(frozen=True)

    input_type: str

    def __hash__(self) -> int:  # type: ignore[override]  # frozen: the base model's refusal does not apply
        return hash((type(self), *self.__dict__.values()))


class TaskRunResult(RunInput):
    """The result of a task run."""

    input_type: Literal["task_run"] = "task_run"  # type: ignore[assignment]  # narrows the base's field
    id: UUID


class FlowRunResult(RunInput):
    """The result of a flow run."""

    input_type: Literal["flow_run"] = "flow_run"  # type: ignore[assignment]
    id: UUID


class Parameter(RunInput):
    """A parameter of the flow run."""

    input_type: Literal["parameter"] = "parameter"  # type: ignore[assignment]
    name: str


class Constant(RunInput):
    """A plain value of that type."""

    input_type: Literal["constant"] = "constant"  # type: ignore[assignment]
    type: str

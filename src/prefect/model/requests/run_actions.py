"""What is asked of one flow run by a page: to stop, to run again."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from prefect.model.base import PrefectBaseModel
from prefect.model.requests.base import ActionBaseModel


class CancelFlowRun(ActionBaseModel):
    """Stop a run; `message` says why."""

    message: str | None = Field(default=None, max_length=1000)


class RetryFlowRun(ActionBaseModel):
    """Run a run again.

    `replay` says what recorded results are used again: `all`, `none`, or those of the task runs `before` one.
    """

    replay: Literal["all", "none", "before"] = "all"
    task_run_id: UUID | None = None
    message: str | None = Field(default=None, max_length=1000)


class RetriedFlowRun(PrefectBaseModel):
    """How many recorded results are not used again, and the command to type where nobody else takes the run up."""

    forgotten: int
    command: str | None

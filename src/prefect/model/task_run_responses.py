"""What is answered about task runs, besides the objects themselves."""

from __future__ import annotations

from prefect.model.base import PrefectBaseModel
from prefect.model.runs import TaskRun


class TaskRunPaginationResponse(PrefectBaseModel):
    """A page of task runs, of how many."""

    results: list[TaskRun]
    count: int
    limit: int
    pages: int
    page: int


class UITaskRun(TaskRun):
    """A task run with the name of its flow run."""

    flow_run_name: str | None = None


class TaskRunCount(PrefectBaseModel):
    """How many runs of a stretch of time ended well, and how many did not."""

    completed: int = 0
    failed: int = 0


class CountByState(PrefectBaseModel):
    """How many runs are in each type of state."""

    COMPLETED: int = 0
    PENDING: int = 0
    RUNNING: int = 0
    FAILED: int = 0
    CANCELLED: int = 0
    CRASHED: int = 0
    PAUSED: int = 0
    CANCELLING: int = 0
    SCHEDULED: int = 0

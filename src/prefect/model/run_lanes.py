"""What a timeline and a graph of a flow run show: lanes, each of one run or of many runs of one task."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from prefect.model.base import DateTime, PrefectBaseModel
from prefect.model.state import StateType


class RunLane(PrefectBaseModel):
    """A task run, a subflow's run, or all runs of one task.

    `parents` are the keys of the lanes whose results it was given; `busy` is the time spent, in microseconds.
    """

    key: str
    task_key: str
    label: str
    kind: str
    """`task`, `flow`, or `many`: runs of one task, folded."""
    id: UUID | None = None
    states: dict[StateType, int]
    attempts: int
    begin: DateTime
    start: DateTime | None = None
    end: DateTime | None = None
    busy: int = 0
    parents: list[str] = Field(default_factory=list)


class RunLanes(PrefectBaseModel):
    """The lanes of a flow run, in the order of their beginning; `mark` is another one whenever one has changed."""

    lanes: list[RunLane]
    runs: int
    more: bool
    mark: str

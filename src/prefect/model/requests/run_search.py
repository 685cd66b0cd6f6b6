"""The bodies of searches for the lists of runs: more than the filters of the API, both ways along an order."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from prefect.model.base import PrefectBaseModel
from prefect.model.requests.flow_runs import FlowRunSort
from prefect.model.requests.joint import JointFilter


class ParameterIs(PrefectBaseModel):
    """A parameter, or a key anywhere in one, that has a value: as JSON writes it, or a text."""

    name: str
    value: str


class RunSearch(JointFilter):
    """Which runs.

    Attributes:
        text: stands in the name, in the parameters, or, with `in_logs`, in a line of the log.
        in_logs: whether the logs are read as well; that takes its time.
        parameters: all of them are so.
        shortest, longest: how long the run took, in seconds.
    """

    text: str | None = Field(default=None, max_length=200)
    in_logs: bool = False
    parameters: list[ParameterIs] = Field(default_factory=list[ParameterIs])
    shortest: float | None = Field(default=None, ge=0, le=1e10)
    longest: float | None = Field(default=None, ge=0, le=1e10)


class SearchFlowRuns(RunSearch):
    """A page of flow runs: those behind `after`, or those right before `before`; the first ones without either."""

    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: int = Field(default=50, ge=1, le=200)
    after: UUID | None = None
    before: UUID | None = None


class SearchTaskRuns(RunSearch):
    """A page of task runs, the newest first; `text` and `parameters` are of theirs: names, and lines of the log."""

    limit: int = Field(default=50, ge=1, le=200)
    after: UUID | None = None
    before: UUID | None = None


class RunPoints(PrefectBaseModel):
    """Runs for a chart: all that were found, or a sample that is spread over the whole time.

    A point is the type of the run's state, its start and its duration in microseconds.
    """

    points: list[tuple[str, int, int]]
    sampled: bool

"""What is answered about flows and flow runs, besides the objects themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Generic, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeVar

from prefect.model.base import DateTime, NamedEnum, PrefectBaseModel
from prefect.model.objects import Flow
from prefect.model.run_inputs import TaskRunResult
from prefect.model.runs import FlowRun
from prefect.model.state import State, StateType

R = TypeVar("R", default=Any)


class FlowRunResponse(FlowRun):
    """A flow run, as a server answers it."""


class SetStateStatus(NamedEnum):
    """What became of a state that was proposed."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


class StateAcceptDetails(PrefectBaseModel):
    """The state was written."""

    type: Literal["accept_details"] = "accept_details"


class StateRejectDetails(PrefectBaseModel):
    """Another state was written, or the present one kept; why."""

    type: Literal["reject_details"] = "reject_details"
    reason: str | None = None


class StateAbortDetails(PrefectBaseModel):
    """Nothing was written, and the asker should stop; why."""

    type: Literal["abort_details"] = "abort_details"
    reason: str | None = None


class StateWaitDetails(PrefectBaseModel):
    """Nothing was written; in how many seconds to ask again, and why."""

    type: Literal["wait_details"] = "wait_details"
    delay_seconds: int
    reason: str | None = None


StateResponseDetails = StateAcceptDetails | StateWaitDetails | StateRejectDetails | StateAbortDetails


class OrchestrationResult(PrefectBaseModel, Generic[R]):
    """What became of a state that was proposed, and the state the run is in now."""

    state: State[R] | None
    status: SetStateStatus
    details: StateResponseDetails = Field(discriminator="type")


class FlowRunOrchestrationResult(PrefectBaseModel):
    """What became of a state that was proposed for one of many runs."""

    flow_run_id: UUID
    status: SetStateStatus
    state: State | None = None
    details: StateResponseDetails = Field(discriminator="type")


class FlowRunBulkSetStateResponse(PrefectBaseModel):
    """What became of a state that was proposed for many runs."""

    results: list[FlowRunOrchestrationResult] = Field(default_factory=list[FlowRunOrchestrationResult])


class BulkDeleteResponse(PrefectBaseModel):
    """The ids of what was removed."""

    deleted: list[UUID] = Field(default_factory=list[UUID])


class HistoryResponseState(PrefectBaseModel):
    """The runs of an interval that are in one state. Sums are in seconds."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: timedelta
    sum_estimated_lateness: timedelta


class HistoryResponse(PrefectBaseModel):
    """The runs that were expected to start in an interval, by state."""

    interval_start: DateTime
    interval_end: DateTime
    states: list[HistoryResponseState]


class FlowPaginationResponse(PrefectBaseModel):
    """A page of flows, of how many."""

    results: list[Flow]
    count: int
    limit: int
    pages: int
    page: int


class FlowRunPaginationResponse(PrefectBaseModel):
    """A page of flow runs, of how many."""

    results: list[FlowRun]
    count: int
    limit: int
    pages: int
    page: int


class SimpleFlowRun(PrefectBaseModel):
    """A flow run as a point of a chart. Durations are in seconds."""

    id: UUID
    state_type: StateType
    timestamp: DateTime
    duration: timedelta
    lateness: timedelta


class SimpleNextFlowRun(PrefectBaseModel):
    """The run of a flow that starts next."""

    id: UUID
    flow_id: UUID
    name: str
    state_name: str
    state_type: StateType
    next_scheduled_start_time: DateTime


class GraphArtifact(PrefectBaseModel):
    """An artifact in the graph of a flow run."""

    id: UUID
    created: DateTime
    key: str | None
    type: str | None
    is_latest: bool
    data: Any | None


class GraphState(PrefectBaseModel):
    """A state the flow run was in."""

    id: UUID
    timestamp: DateTime
    type: StateType
    name: str


class Edge(PrefectBaseModel):
    """A neighbour in the graph."""

    id: UUID


class Node(PrefectBaseModel):
    """A task run or a subflow run in the graph of a flow run."""

    kind: Literal["flow-run", "task-run"]
    id: UUID
    label: str
    state_type: StateType
    start_time: DateTime
    end_time: DateTime | None
    parents: list[Edge]
    children: list[Edge]
    encapsulating: list[Edge]
    artifacts: list[GraphArtifact]


class Graph(PrefectBaseModel):
    """What a flow run has run, and what depended on what."""

    start_time: DateTime | None
    end_time: DateTime | None
    root_node_ids: list[UUID]
    nodes: list[tuple[UUID, Node]]
    artifacts: list[GraphArtifact]
    states: list[GraphState]


class DependencyResult(PrefectBaseModel):
    """A task run, and the task runs that it depended on."""

    id: UUID
    name: str
    upstream_dependencies: list[TaskRunResult]
    state: State | None
    expected_start_time: DateTime | None
    start_time: DateTime | None
    end_time: DateTime | None
    total_run_time: timedelta | None
    estimated_run_time: timedelta | None
    untrackable_result: bool

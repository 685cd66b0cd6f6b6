"""Lists, counts and sums of flow runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.filtering import joint
from prefect._api.flow_run_json import written_list, written_page
from prefect._api.limits import page_of, paginated
from prefect._base.clock import now_us, to_datetime, to_us
from prefect._storage import run_lists
from prefect._storage.run_lists import ORDERS
from prefect.model.requests.flow_run_actions import (
    ChartOfFlowRuns,
    FilterFlowRuns,
    FlowRunIds,
    PaginateFlowRuns,
    RunHistory,
)
from prefect.model.requests.joint import JointFilter
from prefect.model.responses import (
    FlowRunPaginationResponse,
    HistoryResponse,
    HistoryResponseState,
    SimpleFlowRun,
)
from prefect.model.runs import FlowRun
from prefect.model.state import StateType

if TYPE_CHECKING:
    from prefect._storage.clauses import Clause
    from prefect.model.records import FlowRunRecord

_SECOND = 1_000_000
_MOST_INTERVALS = 20_000


@endpoint("POST", "/flow_runs/filter")
def read_flow_runs(api: Api, body: FilterFlowRuns | None = None) -> list[FlowRun]:
    """The runs that pass the filters. Raises ObjectNotFound where `after` names no run."""
    return [FlowRun.from_record(record) for record in _found(api, body)]


@read_flow_runs.written
def _write_found(api: Api, body: FilterFlowRuns | None = None) -> bytes:
    return written_list(_found(api, body))


def _found(api: Api, body: FilterFlowRuns | None) -> list[FlowRunRecord]:
    asked = body or FilterFlowRuns()
    conditions = joint.of_flow_runs(asked)
    if asked.after is not None:
        conditions.append(_behind(api, asked.after, asked.sort.value))
    return run_lists.find(api.store, conditions, ORDERS[asked.sort.value], **page_of(asked))


def _behind(api: Api, run_id: UUID, sort: str) -> Clause:
    order = ORDERS[sort]
    if order.unset is not None:
        raise Refused(f"Expected an order in which every run has a place, to go on after one; got {sort}.")
    behind = run_lists.behind(api.store, run_id.bytes, order)
    if behind is None:
        raise missing("Flow run")
    return behind


@endpoint("POST", "/flow_runs/paginate")
def paginate_flow_runs(api: Api, body: PaginateFlowRuns | None = None) -> FlowRunPaginationResponse:
    """A page of the runs that pass the filters."""
    page = _page(api, body)
    page["results"] = [FlowRun.from_record(record) for record in page["results"]]
    return FlowRunPaginationResponse.model_construct(None, **page)


@paginate_flow_runs.written
def _write_page(api: Api, body: PaginateFlowRuns | None = None) -> bytes:
    return written_page(_page(api, body))


def _page(api: Api, body: PaginateFlowRuns | None) -> dict[str, Any]:
    asked = body or PaginateFlowRuns()
    conditions, order = joint.of_flow_runs(asked), ORDERS[asked.sort.value]
    count = run_lists.count(api.store, conditions)
    return paginated(asked, count, lambda part: run_lists.find(api.store, conditions, order, **part))


@endpoint("POST", "/flow_runs/count")
def count_flow_runs(api: Api, body: JointFilter | None = None) -> int:
    """How many runs pass the filters."""
    return run_lists.count(api.store, joint.of_flow_runs(body or JointFilter()))


@endpoint("POST", "/flow_runs/lateness")
def average_flow_run_lateness(api: Api, body: JointFilter | None = None) -> float | None:
    """How many seconds late the runs start, on the average; None without runs."""
    late = run_lists.lateness(api.store, joint.of_flow_runs(body or JointFilter()), now_us())
    return None if late is None else late / _SECOND


@endpoint("POST", "/flow_runs/history")
def flow_run_history(api: Api, body: RunHistory) -> list[HistoryResponse]:
    """Runs by when they were expected to start, in intervals. Raises Refused."""
    start, interval = (
        to_us(body.history_start),
        round(body.history_interval_seconds.total_seconds() * _SECOND),
    )
    intervals = count_intervals(start, to_us(body.history_end), interval)
    end = start + intervals * interval
    conditions = joint.of_flow_runs(body.model_copy(update={"work_pool_queues": body.work_queues}))
    states: dict[int, list[HistoryResponseState]] = {}
    for number, state_type, name, count, run_time, late in run_lists.history(
        api.store, conditions, start=start, end=end, interval=interval, now=now_us()
    ):
        states.setdefault(number, []).append(_history_state(state_type, name, count, run_time, late))
    return [
        HistoryResponse.model_construct(
            None,
            interval_start=to_datetime(start + number * interval),
            interval_end=to_datetime(start + (number + 1) * interval),
            states=states.get(number, []),
        )
        for number in range(intervals)
    ]


def _history_state(state_type: str, name: str, count: int, run_time: int, late: int) -> HistoryResponseState:
    return HistoryResponseState.model_construct(
        None,
        state_type=StateType(state_type),
        state_name=name,
        count_runs=count,
        sum_estimated_run_time=timedelta(microseconds=int(run_time)),
        sum_estimated_lateness=timedelta(microseconds=int(late)),
    )


def count_intervals(start: int, end: int, interval: int) -> int:
    """How many intervals a history has. Raises Refused where they are shorter than a second, or too many."""
    if interval < _SECOND:
        raise Refused("History interval must not be less than 1 second.")
    count = max(0, -((start - end) // interval))
    if count > _MOST_INTERVALS:
        raise Refused(f"Expected at most {_MOST_INTERVALS:,} intervals, got {count:,}. Ask for longer ones.")
    return count


@endpoint("POST", "/ui/flow_runs/history")
def chart_flow_runs(api: Api, body: ChartOfFlowRuns | None = None) -> list[SimpleFlowRun]:
    """Runs as points of a chart."""
    asked = body or ChartOfFlowRuns()
    found = run_lists.find(
        api.store, joint.of_flow_runs(asked), ORDERS[asked.sort.value], limit=asked.limit, offset=asked.offset
    )
    return [_point(FlowRun.from_record(record)) for record in found]


def _point(run: FlowRun) -> SimpleFlowRun:
    return SimpleFlowRun.model_construct(
        None,
        id=run.id,
        state_type=run.state_type,
        timestamp=run.start_time or run.expected_start_time or run.created,
        duration=run.estimated_run_time,
        lateness=run.estimated_start_time_delta,
    )


@endpoint("POST", "/ui/flow_runs/count-task-runs", role="viewer")
def count_task_runs_by_flow_run(api: Api, body: FlowRunIds) -> dict[str, int]:
    """How many task runs each of some flow runs has."""
    counts = run_lists.count_task_runs(api.store, [one.bytes for one in body.flow_run_ids])
    return {str(one): counts.get(one.bytes, 0) for one in body.flow_run_ids}

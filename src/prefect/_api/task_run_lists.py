"""Lists, counts and charts of task runs."""

from __future__ import annotations

from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.filtering.joint import of_task_runs
from prefect._api.limits import limit_of, page_of
from prefect._base.clock import now_us, to_datetime, to_us
from prefect._storage import flow_runs, task_runs
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.task_run_actions import (
    CountOnDashboard,
    FilterTaskRuns,
    PaginateTaskRuns,
    TaskRunHistory,
)
from prefect.model.responses import HistoryResponse, HistoryResponseState
from prefect.model.runs import TaskRun
from prefect.model.task_run_responses import (
    CountByState,
    TaskRunCount,
    TaskRunPaginationResponse,
    UITaskRun,
)

MOST_STRETCHES = 1000
DASHBOARD_STRETCHES = 20
LONGEST_WAIT_US = (
    86_400_000_000  # between the making of a task run and its start, where a dashboard looks for starts
)
_DURATION = "COALESCE(t.end_time - t.start_time, 0)"
# A run is expected when it is made, and its id begins with that time: so the ids are the order, and no index is
# needed that would cost every task something. Only who makes ids of another kind sees another order.
_ORDERS = {
    "ID_DESC": "t.id DESC",
    "EXPECTED_START_TIME_ASC": "t.id",
    "EXPECTED_START_TIME_DESC": "t.id DESC",
    "NAME_ASC": "t.name, t.id",
    "NAME_DESC": "t.name DESC, t.id DESC",
    "NEXT_SCHEDULED_START_TIME_ASC": "CASE t.state_type WHEN 'SCHEDULED' THEN 0 ELSE 1 END, t.created, t.id",
    "END_TIME_DESC": "COALESCE(t.end_time, 0) DESC, t.id DESC",
    "DURATION_DESC": f"{_DURATION} DESC, t.id DESC",
    "DURATION_ASC": f"{_DURATION}, t.id",
}


@endpoint("POST", "/task_runs/filter")
def read_task_runs(api: Api, body: FilterTaskRuns | None = None) -> list[TaskRun]:
    """The task runs that pass the filters."""
    asked = body or FilterTaskRuns()
    found = task_runs.search(
        api.store, of_task_runs(asked), order=_ORDERS[asked.sort.value], **page_of(asked)
    )
    return [TaskRun.from_record(run) for run in found]


@endpoint("POST", "/task_runs/paginate")
def paginate_task_runs(api: Api, body: PaginateTaskRuns | None = None) -> TaskRunPaginationResponse:
    """A page of the task runs that pass the filters, and how many there are."""
    asked = body or PaginateTaskRuns()
    limit = limit_of(asked.limit)
    where = of_task_runs(asked)
    found = task_runs.search(
        api.store, where, order=_ORDERS[asked.sort.value], limit=limit, offset=(asked.page - 1) * limit
    )
    count = task_runs.count(api.store, where)
    return TaskRunPaginationResponse(
        results=[TaskRun.from_record(run) for run in found],
        count=count,
        limit=limit,
        pages=-(-count // limit) if limit else 0,
        page=asked.page,
    )


@endpoint("POST", "/task_runs/count")
def count_task_runs(api: Api, body: JointFilter | None = None) -> int:
    """How many task runs pass the filters."""
    return task_runs.count(api.store, of_task_runs(body) if body else [])


@endpoint("POST", "/task_runs/history")
def read_task_run_history(api: Api, body: TaskRunHistory) -> list[HistoryResponse]:
    """The task runs of each stretch of time, by when they were expected to start, by state. Raises Refused."""
    start, end, step = _stretches(body)
    found = task_runs.history(
        api.store, of_task_runs(body), column="t.created", start=start, step=step, made=(start, end - 1)
    )
    return [
        HistoryResponse(
            interval_start=to_datetime(begin),
            interval_end=to_datetime(min(begin + step, end)),
            states=[_state_of(one) for one in found if one.number == number],
        )
        for number, begin in enumerate(range(start, end, step))
    ]


def _stretches(asked: TaskRunHistory) -> tuple[int, int, int]:
    if not asked.history_interval_seconds >= 1:
        raise Refused("History interval must not be less than 1 second.")
    start, end = to_us(asked.history_start), to_us(asked.history_end)
    step = round(asked.history_interval_seconds * 1_000_000)
    if (end - start) / step > MOST_STRETCHES:
        raise Refused(
            f"Expected at most {MOST_STRETCHES} intervals. Ask for longer ones, or for a shorter time."
        )
    return start, end, step


def _state_of(one: task_runs.Bucket) -> HistoryResponseState:
    return HistoryResponseState.model_validate(
        {
            "state_type": one.state_type,
            "state_name": one.state_name,
            "count_runs": one.runs,
            "sum_estimated_run_time": one.run_time / 1_000_000,
            "sum_estimated_lateness": one.lateness / 1_000_000,
        }
    )


@endpoint("POST", "/ui/task_runs/count")
def count_task_runs_by_state(api: Api, body: JointFilter | None = None) -> CountByState:
    """How many task runs that pass the filters are in each type of state."""
    return CountByState(**task_runs.count_by_type(api.store, of_task_runs(body) if body else []))


@endpoint("POST", "/ui/task_runs/dashboard/counts", role="viewer")
def count_task_runs_on_dashboard(api: Api, body: CountOnDashboard) -> list[TaskRunCount]:
    """Of each twentieth of the time asked for, how many of the task runs that began in it ended well and badly.

    Raises:
        Refused: the filter does not say from when on the runs started.
    """
    asked = body.task_runs.start_time
    if asked is None or asked.after_ is None:
        raise Refused("task_runs.start_time.after_ is required")
    start = to_us(asked.after_)
    end = to_us(asked.before_) if asked.before_ is not None else now_us()
    step = max(1, -(-(end - start) // DASHBOARD_STRETCHES))
    found = task_runs.history(
        api.store,
        of_task_runs(body),
        column="t.start_time",
        start=start,
        step=step,
        made=(start - LONGEST_WAIT_US, end),
    )
    counts = [TaskRunCount() for _ in range(DASHBOARD_STRETCHES)]
    for one in found:
        count = counts[min(max(one.number, 0), DASHBOARD_STRETCHES - 1)]
        if one.state_type == "COMPLETED":
            count.completed += one.runs
        elif one.state_type in {"FAILED", "CRASHED"}:
            count.failed += one.runs
    return counts


@endpoint("GET", "/ui/task_runs/{id}")
def read_task_run_for_ui(api: Api, id: UUID) -> UITaskRun:
    """One task run, with the name of its flow run. Raises ObjectNotFound."""
    run = task_runs.read_many(api.store, [id.bytes]).get(id.bytes)
    if run is None:
        raise missing("Task")
    shown = UITaskRun.from_record(run)
    if run.flow_run_id is not None:
        shown.flow_run_name = flow_runs.names(api.store, [run.flow_run_id]).get(run.flow_run_id)
    return shown

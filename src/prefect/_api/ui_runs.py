"""Lists of runs as people look at them: searched by more than the filters of the API, both ways, with a chart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.filtering import joint
from prefect._base.clock import to_us
from prefect._storage import clauses, run_lists, run_search, task_runs
from prefect._storage.run_lists import ORDERS
from prefect.model.requests.run_search import RunPoints, RunSearch, SearchFlowRuns, SearchTaskRuns
from prefect.model.runs import FlowRun, TaskRun

if TYPE_CHECKING:
    from prefect._storage.clauses import Clause

MOST_POINTS = 2_500
SAMPLE = 1_200
PARTS = 60


@endpoint("POST", "/ui/flow_runs/search", role="viewer")
def search_flow_runs(api: Api, body: SearchFlowRuns) -> list[FlowRun]:
    """A page of the runs that are found. Raises ObjectNotFound where there is no such run to go on from."""
    conditions, order = _of_flow_runs(body), ORDERS[body.sort.value]
    back = body.after is None and body.before is not None
    mark = body.after or body.before
    if mark is not None:
        beside = run_search.beside(api.store, mark.bytes, order, back=back)
        if beside is None:
            raise missing("Flow run")
        conditions.append(beside)
    found = run_search.page(api.store, conditions, order, limit=body.limit, back=back)
    return [FlowRun.from_record(one) for one in found]


@endpoint("POST", "/ui/flow_runs/count-found", role="viewer")
def count_found_flow_runs(api: Api, body: SearchFlowRuns) -> int:
    """How many runs are found; with `after`, of those that are older."""
    older = [clauses.compare("r.id", "<", body.after.bytes)] if body.after is not None else []
    return run_lists.count(api.store, [*_of_flow_runs(body), *older])


@endpoint("POST", "/ui/flow_runs/points", role="viewer")
def chart_found_flow_runs(api: Api, body: RunSearch) -> RunPoints:
    """The runs that are found as points of a chart: all, or a sample spread over the time where they are many."""
    conditions = _of_flow_runs(body)
    rows = run_search.newest_points(api.store, conditions, MOST_POINTS)
    sampled = len(rows) == MOST_POINTS  # what is rarer is found by an index, once; not once for each part
    if sampled:
        oldest = run_search.oldest_start(api.store, conditions)
        newest = rows[0][1]
        if oldest is not None and newest is not None and newest > oldest:
            each = SAMPLE // PARTS
            rows = run_search.spread_points(
                api.store, conditions, start=oldest, end=int(newest), parts=PARTS, each=each
            )
    points = [(str(row[0]), int(row[1]), int(row[2])) for row in rows if row[1] is not None]
    return RunPoints.model_construct(None, points=points, sampled=sampled)


def points_of(runs: list[FlowRun]) -> RunPoints:
    """The points of runs that are at hand."""
    points = [
        (one.state_type.value, to_us(start), one.total_run_time // timedelta(microseconds=1))
        for one in runs
        for start in (one.start_time or one.expected_start_time,)
        if start is not None and one.state_type is not None
    ]
    return RunPoints.model_construct(None, points=points, sampled=False)


@endpoint("POST", "/ui/task_runs/search", role="viewer")
def search_task_runs(api: Api, body: SearchTaskRuns) -> list[TaskRun]:
    """A page of the task runs that are found, the newest first."""
    conditions = joint.of_task_runs(body)
    if body.text:
        conditions.append(run_search.task_has_text(body.text, in_logs=body.in_logs))
    back = body.after is None and body.before is not None
    mark = body.after or body.before
    if mark is not None:
        conditions.append(clauses.compare("t.id", ">" if back else "<", mark.bytes))
    order = "t.id" if back else "t.id DESC"
    found = task_runs.search(api.store, conditions, order=order, limit=body.limit)
    return [TaskRun.from_record(one) for one in (found[::-1] if back else found)]


def _of_flow_runs(asked: RunSearch) -> list[Clause]:
    found = joint.of_flow_runs(asked)
    if asked.text:
        found.append(run_search.has_text(asked.text, in_logs=asked.in_logs))
    found += [run_search.has_parameter(one.name, one.value) for one in asked.parameters]
    for sign, seconds in ((">=", asked.shortest), ("<=", asked.longest)):
        if seconds is not None:
            found.append(clauses.compare("r.total_run_time", sign, round(seconds * 1_000_000)))
    return found

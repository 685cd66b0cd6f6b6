"""The first page: what runs, what failed, what waits, what comes next."""

from __future__ import annotations

from prefect._api.flow_run_lists import read_flow_runs
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunSort,
)
from prefect.model.runs import FlowRun
from prefect.model.state import StateType
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.views.runs import names_of

_SHOWN = 8
_BUSY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_WRONG = [StateType.FAILED, StateType.CRASHED]


@page("/")
def show_home(asked: Asked) -> View:
    """Everything that a person who comes in the morning asks first."""
    running, failed = _of(asked, _BUSY), _of(asked, _WRONG)
    coming = _of(asked, [StateType.SCHEDULED], FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC)
    names = names_of(asked, [*running, *failed, *coming])
    return View("home.html", "Home", {"running": running, "failed": failed, "coming": coming, **names})


@page("/dashboard")
def show_dashboard(asked: Asked) -> Move:
    """Where others have their first page."""
    del asked
    return Move("/")


def _of(asked: Asked, states: list[StateType], sort: FlowRunSort = FlowRunSort.ID_DESC) -> list[FlowRun]:
    of_states = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)))
    return read_flow_runs(asked.api, FilterFlowRuns(flow_runs=of_states, sort=sort, limit=_SHOWN))

"""Deployments: the list, one of them, and asking for a run of it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect._api.deployed_runs import create_flow_run_from_deployment
from prefect._api.deployment_schedules import update_deployment_schedule
from prefect._api.deployments import (
    delete_deployment,
    paginate_deployments,
    pause_deployment,
    read_deployment,
    resume_deployment,
)
from prefect._api.flow_run_lists import read_flow_runs
from prefect.model.requests.deployment_actions import (
    DeploymentFlowRunCreate,
    DeploymentScheduleUpdate,
    PaginateDeployments,
)
from prefect.model.requests.deployments import DeploymentFilter, DeploymentFilterId
from prefect.model.requests.flow_run_actions import FilterFlowRuns
from prefect.model.requests.flow_runs import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunSort,
)
from prefect.model.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.model.state import StateType
from prefect.server.ui import words
from prefect.server.ui.forms import faults, fields_of, values_of
from prefect.server.ui.names import flow_names
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.views.runs import names_of

if TYPE_CHECKING:
    from prefect.model.deployments import DeploymentResponse, DeploymentSchedule
    from prefect.model.runs import FlowRun

PAGE = 25
TABS = ("runs", "upcoming", "parameters", "configuration", "description")
_BEGUN = [one for one in StateType if one is not StateType.SCHEDULED]


@page("/deployments")
def show_deployments(asked: Asked) -> View:
    """Deployments by name, with their last and next runs."""
    wanted = {"name": {"like_": asked.query["q"]}} if asked.query.get("q") else {}
    number = asked.query.get("page", "1")
    found = paginate_deployments(
        asked.api,
        PaginateDeployments.model_validate(
            {
                "deployments": wanted,
                "sort": "NAME_ASC",
                "limit": PAGE,
                "page": max(1, int(number)) if number.isdecimal() else 1,
            }
        ),
    )
    rows = [(one, _runs(asked, one.id, _BEGUN, 1), _coming(asked, one.id, 1)) for one in found.results]
    values = {
        "found": found,
        "rows": rows,
        "flows": flow_names(asked.api, (one.flow_id for one in found.results)),
    }
    return View(
        "deployments.html",
        "Deployments",
        {**values, "in_words": in_words, "may_pause": asked.may(pause_deployment)},
    )


@page("/deployments/deployment/{id}")
def show_deployment(asked: Asked, id: UUID) -> View:
    """One deployment, with the tab that the query names."""
    one = read_deployment(asked.api, id)
    tab = asked.query.get("tab", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    runs = {"runs": lambda: _runs(asked, id, _BEGUN, 50), "upcoming": lambda: _coming(asked, id, 50)}.get(
        tab, list
    )()
    values = {"one": one, "tab": tab, "tabs": TABS, "runs": runs, "in_words": in_words}
    may = {"may_change": asked.may(pause_deployment), "may_run": asked.may(create_flow_run_from_deployment)}
    named = {**names_of(asked, runs), "flows": flow_names(asked.api, [one.flow_id])}
    return View("deployment.html", one.name, {**values, **may, **named})


@page("/deployments/deployment/{id}/pause", "POST")
def pause(asked: Asked, id: UUID) -> Move:
    """Make no more runs for its schedules."""
    asked.do(pause_deployment, id=id)
    return Move(_back(asked, id), "Paused: its schedules make no runs.")


@page("/deployments/deployment/{id}/resume", "POST")
def resume(asked: Asked, id: UUID) -> Move:
    """Make runs for its schedules again."""
    asked.do(resume_deployment, id=id)
    return Move(_back(asked, id), "Resumed: its schedules make runs again.")


@page("/deployments/deployment/{id}/delete", "POST")
def delete(asked: Asked, id: UUID) -> Move:
    """Remove it; the runs it has had stay."""
    asked.do(delete_deployment, id=id)
    return Move("/deployments", "The deployment was deleted.")


@page("/deployments/deployment/{id}/schedules/{schedule_id}", "POST")
def switch_schedule(asked: Asked, id: UUID, schedule_id: UUID) -> Move:
    """Turn one of its schedules on or off."""
    active = asked.form.get("active") == "true"
    asked.do(update_deployment_schedule, id, schedule_id, DeploymentScheduleUpdate(active=active))
    return Move(_back(asked, id), f"The schedule is {'on' if active else 'off'}.")


@page("/deployments/deployment/{id}/run")
def show_run_form(asked: Asked, id: UUID) -> View:
    """The form that asks for a run."""
    return _run_form(asked, read_deployment(asked.api, id), None, {})


@page("/deployments/deployment/{id}/run", "POST")
def run(asked: Asked, id: UUID) -> View | Move:
    """Ask for a run, or show what is wrong with what was typed."""
    one = read_deployment(asked.api, id)
    schema = one.parameter_openapi_schema or {}
    values, errors = values_of(schema, asked.form)
    if not errors and one.enforce_parameter_schema:
        errors = faults(schema, {**one.parameters, **values})
    more, at = _job_variables(asked, errors), _start(asked, errors)
    if errors:
        return _run_form(asked, one, values, errors)
    wanted: dict[str, Any] = {"parameters": values, "tags": _tags(asked), "job_variables": more}
    if at:
        wanted["state"] = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
    if asked.form.get("name"):
        wanted["name"] = str(asked.form["name"])
    made = asked.do(
        create_flow_run_from_deployment, id=id, body=DeploymentFlowRunCreate.model_validate(wanted)
    )
    return Move(f"/runs/flow-run/{made.id}", f"{made.name} was asked for.")


def in_words(one: DeploymentSchedule) -> str:
    """`every 1h 00m`, `cron 0 2 * * * (Europe/Berlin)`."""
    schedule = one.schedule
    if isinstance(schedule, IntervalSchedule):
        return f"every {words.duration(schedule.interval)}"
    if not isinstance(schedule, (CronSchedule, RRuleSchedule)):
        return "no schedule"
    zone = f" ({schedule.timezone})" if schedule.timezone else ""
    said = f"cron {schedule.cron}" if isinstance(schedule, CronSchedule) else f"rrule {schedule.rrule}"
    return said + zone


def _run_form(
    asked: Asked, one: DeploymentResponse, values: dict[str, Any] | None, errors: dict[str, str]
) -> View:
    typed = asked.form if values is not None else None
    fields = fields_of(
        one.parameter_openapi_schema or {}, {**one.parameters, **(values or {})}, errors, typed
    )
    shown = {"one": one, "fields": fields, "errors": errors, "typed": asked.form}
    return View("deployment_run.html", f"Run {one.name}", shown, status=422 if errors else 200)


def _job_variables(asked: Asked, errors: dict[str, str]) -> dict[str, Any]:
    try:
        found: Any = json.loads(str(asked.form.get("job_variables") or "{}"))
    except ValueError as exc:
        errors["/job_variables"] = f"Expected JSON: {exc}."
        return {}
    if not isinstance(found, dict):
        errors["/job_variables"] = "Expected an object of JSON, with a value for each variable."
        return {}
    return cast("dict[str, Any]", found)


def _start(asked: Asked, errors: dict[str, str]) -> datetime | None:
    """When the run is to start; None for now."""
    typed = str(asked.form.get("at", ""))
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=timezone.utc) if typed else None
    except ValueError:
        errors["/at"] = "Expected a date and a time, as 2026-12-24T18:00."
        return None


def _tags(asked: Asked) -> list[str]:
    return [one.strip() for one in str(asked.form.get("tags", "")).split(",") if one.strip()]


def _back(asked: Asked, id: UUID) -> str:
    return str(asked.form.get("back") or f"/deployments/deployment/{id}")


def _coming(asked: Asked, id: UUID, limit: int) -> list[FlowRun]:
    return _runs(asked, id, [StateType.SCHEDULED], limit, FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC)


def _runs(
    asked: Asked, id: UUID, states: list[StateType], limit: int, sort: FlowRunSort = FlowRunSort.ID_DESC
) -> list[FlowRun]:
    of = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)))
    mine = DeploymentFilter(id=DeploymentFilterId(any_=[id]))
    return read_flow_runs(asked.api, FilterFlowRuns(flow_runs=of, deployments=mine, sort=sort, limit=limit))

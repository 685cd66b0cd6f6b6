"""Deployments: seen, paused, run with a form of their parameters, deleted."""

from __future__ import annotations

from uuid import UUID

import pytest

from prefect._api.api import Api
from prefect._api.deployments import create_deployment, read_deployment
from prefect._api.flow_runs import read_flow_run
from prefect._api.flows import create_flow
from prefect.model.requests.deployment_actions import DeploymentCreate
from prefect.model.requests.flows import FlowCreate

SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "default": "<b>today</b>"},
        "parts": {"type": "integer", "minimum": 1, "default": 5},
    },
}


@pytest.fixture
def nightly(backend):
    """The id of a deployment with a schedule."""
    api = Api(backend)
    flow = create_flow(api, FlowCreate(name="load"))
    asked = {
        "name": "nightly",
        "flow_id": flow.id,
        "parameter_openapi_schema": SCHEMA,
        "schedules": [{"schedule": {"cron": "0 2 * * *", "timezone": "UTC"}, "active": True}],
    }
    return create_deployment(api, DeploymentCreate.model_validate(asked)).id


def test_a_deployment_is_listed_paused_and_resumed(reader, backend, nightly):
    shown = reader.get("/deployments").text
    assert "nightly" in shown
    assert "cron 0 2 * * * (UTC)" in shown
    page = f"/deployments/deployment/{nightly}"
    reader.send_form("/deployments", f"{page}/pause")
    assert read_deployment(Api(backend), nightly).paused
    reader.send_form(page, f"{page}/resume")
    assert not read_deployment(Api(backend), nightly).paused


def test_every_part_of_a_deployment_is_shown(reader, nightly):
    for tab in ("runs", "upcoming", "parameters", "configuration", "description"):
        assert reader.get(f"/deployments/deployment/{nightly}?tab={tab}").status_code == 200


def test_a_run_is_asked_for_with_what_was_typed(reader, backend, nightly):
    page = f"/deployments/deployment/{nightly}/run"
    assert "&lt;b&gt;today&lt;/b&gt;" in reader.get(page).text
    wrong = reader.send_form(page, page, **{"p.day": "monday", "p.parts": "0"})
    assert wrong.status_code == 422
    assert "0 is less than the minimum of 1" in wrong.text
    assert 'value="monday"' in wrong.text
    made = reader.send_form(
        page, page, **{"p.day": "monday", "p.parts": "2", "name": "by hand", "tags": "a, b"}
    )
    run = read_flow_run(Api(backend), UUID(made.url.path.rpartition("/")[2]))
    assert (run.name, run.parameters) == ("by hand", {"day": "monday", "parts": 2})
    assert {"a", "b"} <= set(run.tags)


def test_a_run_is_asked_for_later(reader, backend, nightly):
    page = f"/deployments/deployment/{nightly}/run"
    wrong = reader.send_form(page, page, **{"p.day": "x", "p.parts": "2", "at": "soon"})
    assert "Expected a date and a time" in wrong.text
    made = reader.send_form(page, page, **{"p.day": "x", "p.parts": "2", "at": "2030-12-24T18:00"})
    run = read_flow_run(Api(backend), UUID(made.url.path.rpartition("/")[2]))
    assert run.next_scheduled_start_time.isoformat() == "2030-12-24T18:00:00+00:00"

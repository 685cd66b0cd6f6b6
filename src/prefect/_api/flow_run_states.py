"""The states that flow runs were in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._storage import flow_runs, run_lists
from prefect.model.state import State


@endpoint("GET", "/flow_run_states/")
def read_flow_run_states(api: Api, flow_run_id: UUID) -> list[State[Any]]:
    """Every state of a run, oldest first; none where there is no such run."""
    found = flow_runs.states(api.store, flow_run_id.bytes)
    return [State.from_record(one, flow_run_id=flow_run_id.bytes) for one in found]


@endpoint("GET", "/flow_run_states/{id}")
def read_flow_run_state(api: Api, id: UUID) -> State[Any]:
    """One state. Raises ObjectNotFound."""
    found = run_lists.read_state(api.store, id.bytes)
    if found is None:
        raise missing("Flow run state")
    run_id, state = found
    return State.from_record(state, flow_run_id=run_id)

"""Which states there have been: what a filter of runs offers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._base.clock import to_datetime
from prefect._storage import observed_states
from prefect.model.observed import ObservedState, ObservedStateSort

Prefix = Annotated[str, Field(max_length=100)]
Limit = Annotated[int, Field(ge=1, le=200)]


@endpoint("GET", "/observed-states")
def read_observed_states(
    api: Api,
    query: Prefix | None = None,
    order_by: ObservedStateSort = ObservedStateSort.LAST_SEEN_DESC,
    limit: Limit = 200,
) -> list[ObservedState]:
    """The states that flow runs on record have been in; `query` is how their names or types begin, in any case."""
    wanted = (query or "").lower()
    found = [
        one
        for one in observed_states.of_flow_runs(api.store)
        if one.name.lower().startswith(wanted) or one.type.lower().startswith(wanted)
    ]
    if order_by is ObservedStateSort.NAME_ASC:
        found.sort(key=lambda one: (one.name, one.type))
    else:
        found.sort(key=lambda one: one.last, reverse=True)
    return [
        ObservedState(
            state_type=one.type,
            state_name=one.name,
            first_seen=to_datetime(one.first),
            last_seen=to_datetime(one.last),
        )
        for one in found[:limit]
    ]

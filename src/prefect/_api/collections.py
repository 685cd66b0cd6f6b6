"""What kinds of work pools and blocks there are to choose from."""

from __future__ import annotations

from typing import Any

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect.model.worker_kinds import WORKER_KINDS

_VIEWS: dict[str, dict[str, Any]] = {
    "aggregate-worker-metadata": {"prefect": WORKER_KINDS},
    "aggregate-block-metadata": {},  # the kinds of blocks are in the store: POST /block_types/filter
    "aggregate-flow-metadata": {},
}


@endpoint("GET", "/collections/views/{view}")
def read_view_content(api: Api, view: str) -> dict[str, Any]:  # noqa: ARG001 - a constant
    """A list of kinds, by the package that has them. Raises ObjectNotFound for a list that is not kept."""
    if view not in _VIEWS:
        raise missing(f"View {view}")
    return _VIEWS[view]


@endpoint("POST", "/block_types/install_system_block_types", audited=False)
def install_system_block_types(api: Api) -> None:
    """Nothing is to be installed: a block type is on record from the first block of it on."""

"""Saved filters of the list of runs: the API's saved searches, one condition for each name and value of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from prefect._api.errors import Refused
from prefect._api.saved_searches import create_saved_search, delete_saved_search
from prefect.model.objects import SavedSearchFilter
from prefect.model.requests.automations import SavedSearchCreate
from prefect.server.ui.page import Asked, Move, page
from prefect.server.ui.run_filter import NAMES

if TYPE_CHECKING:
    from prefect.model.objects import SavedSearch

_OBJECT, _OPERATION = "flow_run", "query"


def known_filters(saved: list[SavedSearch]) -> list[tuple[UUID, str, str]]:
    """Those that this list can show: id, name, query."""
    return [
        (one.id, one.name, urlencode([(each.property, str(each.value)) for each in one.filters]))
        for one in saved
        if all(each.operation == _OPERATION and each.property in NAMES for each in one.filters)
    ]


@page("/runs/saved", "POST")
def save_filter(asked: Asked) -> Move:
    """Keep what the list is filtered by under a name. Raises Refused."""
    name, of = str(asked.form.get("name", "")).strip(), str(asked.form.get("of", ""))
    if not name:
        raise Refused("Saved filter: expected a name, got none.")
    filters = [
        SavedSearchFilter(object=_OBJECT, property=key, type="string", operation=_OPERATION, value=value)
        for key, value in parse_qsl(of)
        if key in NAMES
    ]
    asked.do(create_saved_search, SavedSearchCreate(name=name, filters=filters))
    return Move(f"/runs?{of}", f"Saved as {name}.")


@page("/runs/saved/{id}/delete", "POST")
def forget_filter(asked: Asked, id: UUID) -> Move:
    """Forget one."""
    asked.do(delete_saved_search, id)
    return Move(str(asked.form.get("back") or "/runs"), "The saved filter is deleted.")

"""Automations and saved searches, as they were sent."""

from __future__ import annotations

from typing import Any, NamedTuple

from prefect._storage.table import Table


class AutomationRecord(NamedTuple):
    """An automation; `related` are the ids of the resources that it is about."""

    id: bytes
    name: str
    description: str
    enabled: int
    tags: list[str]
    trigger_: dict[str, Any]
    actions: list[dict[str, Any]]
    actions_on_trigger: list[dict[str, Any]]
    actions_on_resolve: list[dict[str, Any]]
    owner_resource: str | None
    related: list[str]
    created: int
    updated: int


class SavedSearchRecord(NamedTuple):
    """Conditions under a name."""

    id: bytes
    name: str
    filters: list[dict[str, Any]]
    created: int
    updated: int


AUTOMATIONS = Table(
    "automation",
    AutomationRecord,
    json=("tags", "trigger_", "actions", "actions_on_trigger", "actions_on_resolve", "related"),
)
SAVED_SEARCHES = Table("saved_search", SavedSearchRecord, json=("filters",))

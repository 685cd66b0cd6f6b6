"""The feed of events."""

from __future__ import annotations

from prefect._api.events import read_events, read_events_page
from prefect.model.requests.events import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventPage,
    FilterEvents,
)
from prefect.server.ui.page import Asked, View, page

PAGE = 50
_PAGES = {
    "prefect.flow-run.": "/runs/flow-run/",
    "prefect.task-run.": "/runs/task-run/",
    "prefect.flow.": "/flows/flow/",
    "prefect.deployment.": "/deployments/deployment/",
}


@page("/events")
def show_events(asked: Asked) -> View:
    """What happened, newest first; the next page goes on behind the last event of this one."""
    found = _found(asked)
    values = {"events": found.events, "next": _token(found), "place": place_of}
    return View("events.html", "Events", values)


def place_of(resource_id: str) -> str | None:
    """The page of a resource; None where it has none."""
    for prefix, path in _PAGES.items():
        if resource_id.startswith(prefix):
            return path + resource_id.removeprefix(prefix)
    return None


def _found(asked: Asked) -> EventPage:
    token = asked.query.get("page")
    if token:
        return read_events_page(asked.api, token)
    names = [one.removesuffix("*") for one in asked.query.getlist("event") if one]
    resources = [one for one in asked.query.getlist("resource") if one]
    wanted = EventFilter(
        event=EventNameFilter(prefix=names) if names else None,
        any_resource=EventAnyResourceFilter(id=resources) if resources else None,
    )
    return read_events(asked.api, FilterEvents(filter=wanted, limit=PAGE))


def _token(found: EventPage) -> str | None:
    """What asks for the page after this one."""
    if not found.next_page:
        return None
    return found.next_page.partition("page-token=")[2] or None

"""Events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from prefect._api import events as event_list
from prefect.client._method import Caller, method
from prefect.model.requests.events import FilterEvents

if TYPE_CHECKING:
    from prefect.client._method import Steps
    from prefect.model.events import Event
    from prefect.model.requests.events import EventFilter, EventPage


class EventMethods(Caller):
    """What both clients ask about events."""

    @method
    def create_events(self, events: Iterable[Event]) -> Steps[None]:
        """Record events; one that is recorded already, by its id, is left as it is."""
        yield self._ask(event_list.create_events, body=list(events))

    @method
    def read_events(self, filter: EventFilter | None = None, limit: int = 100) -> Steps[EventPage]:
        """The first page of the events that pass the filter; without one, of the last 180 days."""
        return (yield self._ask(event_list.read_events, body=FilterEvents(filter=filter, limit=limit)))

    @method
    def read_events_page(self, next_page_url: str) -> Steps[EventPage]:
        """The page that an `EventPage.next_page` names."""
        token = parse_qs(urlsplit(next_page_url).query)["page-token"][0]
        return (yield self._ask(event_list.read_events_page, page_token=token))

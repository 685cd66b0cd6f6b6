"""Events: recorded as they come; task runs that report themselves become rows of their own instead."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from prefect._api import event_counts, event_search
from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.event_search import Cursor, Place
from prefect._api.task_run_events import report_of
from prefect._backend.recorder import record
from prefect._base.clock import now_us, to_us
from prefect._storage import events
from prefect._storage.events import EventRecord
from prefect.model.events import Event
from prefect.model.requests.events import (
    Countable,
    CountEvents,
    EventCount,
    EventFilter,
    EventPage,
    FilterEvents,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prefect._backend.local import LocalBackend
    from prefect._orchestration.reported import Reported


@endpoint("POST", "/events", status=204, audited=False)
def create_events(api: Api, body: list[Event]) -> None:
    """Record events. One that is recorded already (by its id) is left as it is."""
    record_events(api.backend, [one.model_dump(mode="json") for one in body])


@endpoint("POST", "/events/filter")
def read_events(api: Api, body: FilterEvents | None = None) -> EventPage:
    """The first page of the events that pass the filter; without one, of the last 180 days."""
    asked = body or FilterEvents()
    wanted = asked.filter or EventFilter()
    return _page(api, wanted, asked.limit, event_search.total(api.store, wanted), None)


@endpoint("GET", "/events/filter/next", spelled={"page_token": "page-token"})
def read_events_page(api: Api, page_token: str) -> EventPage:
    """The page after the one that gave the token. Raises Refused."""
    cursor = Cursor.read(page_token)
    return _page(api, cursor.filter, cursor.limit, cursor.total, cursor.after)


@endpoint("POST", "/events/count-by/{countable}", role="viewer")
def count_events(api: Api, countable: Countable, body: CountEvents) -> list[EventCount]:
    """How many events of the filter there are of each name, resource, day or stretch of time. Raises Refused."""
    return event_counts.counts(api.store, countable, body)


def _page(api: Api, asked: EventFilter, limit: int, total: int, after: Place | None) -> EventPage:
    found = list(islice(event_search.found(api.store, asked, after), limit))
    if len(found) < limit or not found:
        return EventPage.model_construct(None, events=found, total=total, next_page=None)
    last = found[-1]
    cursor = Cursor(filter=asked, limit=limit, total=total, time=to_us(last.occurred), id=last.id)
    url = f"{api.url}/events/filter/next?page-token={cursor.token()}"
    return EventPage.model_construct(None, events=found, total=total, next_page=url)


def record_events(backend: LocalBackend, given: Sequence[Mapping[str, Any]]) -> None:
    """Record events in the form of their JSON, in one transaction for each of the two kinds.

    Raises:
        StoreError: the store cannot be written.
        ValidationError: one of them is no event.
    """
    reports: list[Reported] = []
    others: list[Event] = []
    for one in given:
        report = report_of(one)
        if report is not None:
            reports.append(report)
        else:
            others.append(Event.model_validate(one))
    record(backend, reports)
    if others:
        now = now_us()
        with backend.store.write() as cx:
            events.insert(
                cx,
                [_row_of(one, now) for one in others],
                [row for one in others for row in _resources_of(one)],
            )


def _row_of(event: Event, received: int) -> EventRecord:
    body = event.model_dump(mode="json", include={"resource", "related", "payload"})
    return EventRecord(
        event.id.bytes,
        to_us(event.occurred),
        received,
        event.event,
        event.resource.id,
        event.follows.bytes if event.follows else None,
        json.dumps(body, separators=(",", ":")),
    )


def _resources_of(event: Event) -> Iterator[tuple[str, int, bytes, str]]:
    occurred = to_us(event.occurred)
    yield event.resource.id, occurred, event.id.bytes, ""
    for one in event.related:
        yield one.id, occurred, event.id.bytes, one.role

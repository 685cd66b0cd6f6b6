"""Reading events of all sources as one list: by time, in pages that continue where the one before ended."""

from __future__ import annotations

import base64
import binascii
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import ValidationError

from prefect._api import event_filter, event_views
from prefect._api.errors import Refused
from prefect._base.clock import to_datetime, to_us
from prefect._storage import clauses, events, flow_run_events, task_runs
from prefect._storage.clauses import Clause
from prefect.model.base import PrefectBaseModel
from prefect.model.requests.events import EventFilter, EventOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect._storage.protocol import Queries
    from prefect.model.events import ReceivedEvent

CHUNK = 200
MOST_COUNTED = 10_000  # events that are looked at one by one, where only they themselves tell
MOST_TASK_RUNS = 200

Place = tuple[int, bytes]  # time in microseconds, id


class Cursor(PrefectBaseModel):
    """What a page token holds: the search, and the last event of the page before it."""

    filter: EventFilter
    limit: int
    total: int
    time: int
    id: UUID

    def token(self) -> str:
        """As text for a URL."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode()

    @property
    def after(self) -> Place:
        """Where the next page begins."""
        return self.time, self.id.bytes

    @classmethod
    def read(cls, token: str) -> Cursor:
        """Raises Refused."""
        try:
            return cls.model_validate_json(base64.urlsafe_b64decode(token.encode()))
        except (ValidationError, ValueError, binascii.Error):
            raise Refused("Expected the page token of an earlier answer; search again.", status=403) from None


def found(source: Queries, asked: EventFilter, after: Place | None = None) -> Iterator[ReceivedEvent]:
    """The events that pass the filter, in its order, read as they are taken."""
    sources = [_in_chunks(read, asked, after) for read in (_read_emitted(source), _read_flow_runs(source))]
    sources.append(_of_task_runs(source, asked, after))
    oldest_first = asked.order is EventOrder.ASC
    in_order = merge(*sources, key=event_views.place_of, reverse=not oldest_first)
    return (event for event in in_order if asked.includes(event))


def total(source: Queries, asked: EventFilter) -> int:
    """How many events pass the filter; where only looking tells, at most 10,000."""
    of_events, of_states = event_filter.of_events(asked), event_filter.of_flow_run_states(asked)
    if not (of_events.exact and of_states.exact):
        return sum(1 for _ in islice(found(source, asked), MOST_COUNTED))
    of_tasks = sum(1 for event in _of_task_runs(source, asked, None) if asked.includes(event))
    emitted = events.count(source, of_events.clauses)
    return emitted + flow_run_events.count(source, of_states.clauses) + of_tasks


def _in_chunks(
    read: Callable[[EventFilter, Place | None], list[ReceivedEvent]], asked: EventFilter, after: Place | None
) -> Iterator[ReceivedEvent]:
    while True:
        chunk = read(asked, after)
        yield from chunk
        if len(chunk) < CHUNK:
            return
        after = to_us(chunk[-1].occurred), chunk[-1].id.bytes


def _read_emitted(source: Queries) -> Callable[[EventFilter, Place | None], list[ReceivedEvent]]:
    def read(asked: EventFilter, after: Place | None) -> list[ReceivedEvent]:
        conditions = [*event_filter.of_events(asked).clauses, *_beyond(asked, after, "occurred", "id")]
        order = _order(asked, "occurred", "id")
        rows = events.find(source, conditions, order=order, limit=CHUNK)
        return [event_views.emitted(row) for row in rows]

    return read


def _read_flow_runs(source: Queries) -> Callable[[EventFilter, Place | None], list[ReceivedEvent]]:
    def read(asked: EventFilter, after: Place | None) -> list[ReceivedEvent]:
        wanted = event_filter.of_flow_run_states(asked).clauses
        conditions = [*wanted, *_beyond(asked, after, "s.timestamp", "s.id")]
        order = _order(asked, "s.timestamp", "s.id")
        rows = flow_run_events.find(source, conditions, order=order, limit=CHUNK)
        return event_views.of_flow_runs(source, rows)

    return read


def _of_task_runs(source: Queries, asked: EventFilter, after: Place | None) -> Iterator[ReceivedEvent]:
    """Only of task runs that are asked for by name: there is no order of time over all of them."""
    ids = event_filter.task_runs_named(asked)[:MOST_TASK_RUNS]
    runs = task_runs.read_many(source, ids).values() if ids else ()
    shown = [event for run in runs for event in event_views.of_task_run(run)]
    oldest_first = asked.order is EventOrder.ASC
    shown.sort(key=event_views.place_of, reverse=not oldest_first)
    if after is None:
        return iter(shown)
    begin = to_datetime(after[0]), after[1]
    return (
        event
        for event in shown
        if (event_views.place_of(event) > begin) is oldest_first and event_views.place_of(event) != begin
    )


def _order(asked: EventFilter, time: str, id: str) -> str:
    way = asked.order.value
    return f"{time} {way}, {id} {way}"


def _beyond(asked: EventFilter, after: Place | None, time: str, id: str) -> list[Clause]:
    if after is None:
        return []
    operator = ">" if asked.order is EventOrder.ASC else "<"
    same_time = clauses.joined(
        "and_", [clauses.compare(time, "=", after[0]), clauses.compare(id, operator, after[1])]
    )
    # said twice, so that the index on the time is used
    at_most = clauses.compare(time, f"{operator}=", after[0])
    return [at_most, clauses.joined("or_", [clauses.compare(time, operator, after[0]), same_time])]

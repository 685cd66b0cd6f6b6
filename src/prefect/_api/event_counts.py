"""Counting events by name, resource or time."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from prefect._api.errors import Refused
from prefect._api.event_search import MOST_COUNTED, found
from prefect.model.requests.events import Countable, CountEvents, EventCount, TimeUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._storage.protocol import Queries
    from prefect.model.events import ReceivedEvent

MOST_BUCKETS = 1000
_UNITS = {
    TimeUnit.week: timedelta(weeks=1),
    TimeUnit.day: timedelta(days=1),
    TimeUnit.hour: timedelta(hours=1),
    TimeUnit.minute: timedelta(minutes=1),
    TimeUnit.second: timedelta(seconds=1),
}


def counts(source: Queries, by: Countable, asked: CountEvents) -> list[EventCount]:
    """How many events there are of each name, resource or stretch of time; the 10,000 first in the filter's order.

    Raises:
        Refused: there would be more than 1000 stretches.
    """
    step = _step(asked)
    events = islice(found(source, asked.filter), MOST_COUNTED)
    if by in {"event", "resource"}:
        return _by_value(events, by)
    return _by_time(events, asked, timedelta(days=1) if by == "day" else step)


def _step(asked: CountEvents) -> timedelta:
    step = _UNITS[asked.time_unit] * asked.time_interval
    span = asked.filter.occurred.until - asked.filter.occurred.since
    buckets = span / step
    if buckets > MOST_BUCKETS:
        raise Refused(
            f"The interval would make {buckets:,.0f} stretches of time; at most {MOST_BUCKETS} are given. "
            "Ask for a longer interval or a shorter time."
        )
    return step


def _by_value(events: Iterable[ReceivedEvent], by: Countable) -> list[EventCount]:
    counted: dict[str, EventCount] = {}
    for event in events:
        value = event.event if by == "event" else event.resource.id
        label = event.event if by == "event" else event.resource.name or value
        one = counted.get(value)
        if one is None:
            counted[value] = EventCount(
                value=value, label=label, count=1, start_time=event.occurred, end_time=event.occurred
            )
        else:
            one.count += 1
            one.start_time = min(one.start_time, event.occurred)
            one.end_time = max(one.end_time, event.occurred)
    return sorted(counted.values(), key=lambda one: (-one.count, one.label))


def _by_time(events: Iterable[ReceivedEvent], asked: CountEvents, step: timedelta) -> list[EventCount]:
    since, until = asked.filter.occurred.since, asked.filter.occurred.until
    buckets: list[EventCount] = []
    begin: datetime = since
    while begin < until and len(buckets) <= MOST_BUCKETS:
        end = begin + step - timedelta(microseconds=1)
        buckets.append(
            EventCount(
                value=str(len(buckets)), label=begin.isoformat(), count=0, start_time=begin, end_time=end
            )
        )
        begin += step
    for event in events:
        place = int((event.occurred - since) / step)
        if 0 <= place < len(buckets):
            buckets[place].count += 1
    return buckets

"""When a schedule is due: its wall-clock times as moments, where clocks are put forward and back.

A time that the clock skips is not lost: it is due as much later as the clock is put forward, together with what is
due there anyway. A time that comes twice is due the first time; unless the schedule goes on through the repeated
stretch without a pause as long as it (hourly, every ten minutes), and then it is due both times. Intervals shorter
than a day are counted in elapsed time, and know nothing of clocks.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.clock import to_datetime, to_us
from prefect._base.recurrence import cron_walls, interval_walls, rrule_walls, rrule_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prefect._base.recurrence import Walls

KEY_PREFIX = "scheduled {deployment} "
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_LONGEST_CHANGE = 26 * 3600 * _SECOND  # islands have moved across the date line


def slots(schedule: Mapping[str, Any], after: int, until: int) -> Iterator[int]:
    """The moments (µs UTC) later than `after` and not later than `until` at which a schedule is due, in order.

    Args:
        schedule: as its schema's JSON: `{"cron", "timezone", "day_or"}`, `{"interval", "anchor_date", "timezone"}`
            (the interval in seconds) or `{"rrule", "timezone"}`; anything else is never due.
        after: µs UTC.
        until: µs UTC.
    """
    if "interval" in schedule:
        interval = round(schedule["interval"] * _SECOND)
        anchor = to_us(datetime.fromisoformat(schedule["anchor_date"].replace("Z", "+00:00")))
        if interval < _DAY:
            return _bounded(interval_walls(anchor, interval)(after + 1), after, until)
        zone = _zone(schedule.get("timezone"))
        return _in_zone(interval_walls(anchor + _offset(zone, anchor), interval), zone, after, until)
    if "cron" in schedule:
        walls = cron_walls(schedule["cron"], day_or=schedule.get("day_or", True))
        return _in_zone(walls, _zone(schedule.get("timezone")), after, until)
    if "rrule" in schedule:
        zone = _zone(rrule_zone(schedule["rrule"]) or schedule.get("timezone"))
        return _in_zone(rrule_walls(schedule["rrule"], zone), zone, after, until)
    return iter(())


def key_of(deployment_id: bytes, schedule_id: bytes, time: int) -> str:
    """The idempotency key of the run of a schedule at a time: a slot becomes a run once, whoever schedules it."""
    prefix = KEY_PREFIX.format(deployment=UUID(bytes=deployment_id))
    return f"{prefix}{UUID(bytes=schedule_id)} {to_datetime(time).isoformat(' ')}"


def _bounded(moments: Iterator[int], after: int, until: int) -> Iterator[int]:
    """Those after `after` up to `until`, each once."""
    last = after
    for moment in moments:
        if moment > until:
            return
        if moment > last:
            yield moment
            last = moment


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> tzinfo:
    from zoneinfo import ZoneInfo  # only programs with schedules pay for it

    return ZoneInfo(name or "UTC")


def _offset(zone: tzinfo, moment: int) -> int:
    """How far the zone's clock is ahead of UTC at a moment, in microseconds."""
    here = to_datetime(moment).astimezone(zone)
    return to_us(here.replace(tzinfo=None)) - moment


def _in_zone(walls: Walls, zone: tzinfo, after: int, until: int) -> Iterator[int]:
    return _bounded(_moments(walls, zone, after, until), after, until)


def _moments(walls: Walls, zone: tzinfo, after: int, until: int) -> Iterator[int]:
    """The moments of wall-clock times, in order, some of them twice.

    Time is gone through in stretches in which the clock is not changed, a day at most. A change just before `after`
    still matters: what it has moved may be due now.
    """
    begin = (
        after if _offset(zone, after) == _offset(zone, after - _LONGEST_CHANGE) else after - _LONGEST_CHANGE
    )
    offset = _offset(zone, begin)
    times, repeated_until, moved = _Times(walls), None, ()
    while begin <= until:
        end, next_offset = _next_change(zone, begin, offset)
        found = (wall - offset for wall in times.between(begin + offset, end + offset, repeated_until))
        yield from merge(found, moved)
        skipped_until = end + next_offset
        moved = tuple(wall - offset for wall in times.between(end + offset, skipped_until))
        repeated_until = end + offset if next_offset < offset else None
        begin, offset = end, next_offset


def _next_change(zone: tzinfo, begin: int, offset: int) -> tuple[int, int]:
    """When the clock that is `offset` ahead is next changed and to what; or, if it is not, a day later."""
    late = begin + _DAY
    if (changed := _offset(zone, late)) == offset:
        return late, offset
    early = begin - begin % _SECOND
    while late - early > _SECOND:
        middle = (early + late) // 2 // _SECOND * _SECOND
        if _offset(zone, middle) == offset:
            early = middle
        else:
            late = middle
    return late - late % _SECOND, changed


class _Times:
    """Wall-clock times, asked for stretch by stretch; they are made anew only when the clock is put back."""

    def __init__(self, walls: Walls) -> None:
        self._walls = walls
        self._left: Iterator[int] = iter(())
        self._next: int | None = None
        self._reached: int | None = None

    def between(self, start: int, end: int, repeated_until: int | None = None) -> Iterator[int]:
        """Those from `start` to before `end`. What is before `repeated_until` was there an hour ago already."""
        if repeated_until is not None and not self._go_on_through(start, repeated_until):
            start = repeated_until
        if self._reached is None or start < self._reached:
            self._left = self._walls(start)
            self._next = next(self._left, None)
        self._reached = max(start, end)
        while self._next is not None and self._next < end:
            wall, self._next = self._next, next(self._left, None)
            if wall >= start:
                yield wall

    def _go_on_through(self, start: int, end: int) -> bool:
        """Whether there is no pause longer than that stretch in it and next to it."""
        length = end - start
        last = start - length - 1
        for wall in islice(self._walls(start - length), 2 * 86_400):
            if wall - last > length:
                return False
            if wall >= end:
                return True
            last = wall
        return False

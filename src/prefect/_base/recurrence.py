"""The wall-clock times of a schedule, before a time zone has its say: cron expressions, recurrence rules, intervals.

A wall-clock time is an integer here: the microseconds between 1970-01-01 00:00 and it, as the calendar counts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from prefect._base.clock import to_datetime, to_us

if TYPE_CHECKING:
    from dateutil.rrule import rrule, rruleset

# from a wall-clock time on (that one included), in order
Walls = Callable[[int], Iterator[int]]

FIRST_START = "DTSTART:20200101T000000"  # of a rule that names none
_RANDOM = re.compile(r"(^|[\s,])[RH](\(|/|,|\s|$)", re.IGNORECASE)
_ZONE = re.compile(r"DTSTART;TZID=([^:;\s]+)", re.IGNORECASE)


def check_cron(expression: str) -> None:
    """Raise ValueError for what is no cron expression, or one whose times are drawn by lot (`R`, `H`)."""
    from croniter import croniter  # only programs with schedules pay for it

    if _RANDOM.search(expression) or not croniter.is_valid(expression):
        raise ValueError(f'Invalid cron string: "{expression}"')


def check_rrule(text: str) -> str:
    """The rule, with a start where it names none. Raises ValueError for what is no rule of RFC 5545."""
    try:
        _rules(text)
    except (ValueError, TypeError, KeyError) as exc:
        raise ValueError(f'Invalid RRule string "{text}": {exc}') from exc
    return text if "DTSTART" in text.upper() else f"{FIRST_START}\n{text}"


def cron_walls(expression: str, *, day_or: bool = True) -> Walls:
    """The times of a cron expression."""
    from croniter import CroniterBadDateError, croniter  # only programs with schedules pay for it

    def walls(start: int) -> Iterator[int]:
        times = croniter(expression, _naive(start - 1), day_or=day_or, ret_type=datetime)
        try:
            while True:
                yield to_us(times.get_next())
        except CroniterBadDateError:  # such as the 30th of February
            return

    return walls


def interval_walls(anchor: int, interval: int) -> Walls:
    """Every `interval` before and after `anchor`, a wall-clock time."""
    return lambda start: count(start + (anchor - start) % interval, interval)


def rrule_walls(text: str, zone: tzinfo) -> Walls:
    """The times of a recurrence rule; times with a zone of their own in it are taken to `zone`."""
    rules = _rules(text)

    def walls(start: int) -> Iterator[int]:
        moved = _started_near(rules, _naive(start), zone)
        return (to_us(time) for time in moved.xafter(_naive(start), inc=True))

    return walls


def rrule_zone(text: str) -> str | None:
    """The time zone that a rule itself names (`DTSTART;TZID=…`), or None."""
    found = _ZONE.search(text)
    return found[1] if found else None


def _naive(wall: int) -> datetime:
    return to_datetime(wall).replace(tzinfo=None)


@lru_cache(maxsize=256)
def _rules(text: str) -> rruleset:
    from dateutil.rrule import rrulestr  # only programs with such schedules pay for it

    if "DTSTART" not in text.upper():
        text = f"{FIRST_START}\n{text}"
    return rrulestr(text, forceset=True)


def _started_near(rules: Any, start: datetime, zone: tzinfo) -> rruleset:
    """The same rules, with all of their times in the zone, and as few of them before `start` as may be.

    A rule's times are counted from its start: a rule for every minute since 2020 would go through millions.
    """
    from dateutil.rrule import rruleset  # only programs with such schedules pay for it

    moved = rruleset()
    for rule in rules._rrule:
        moved.rrule(_moved(rule, start, zone))
    for rule in rules._exrule:
        moved.exrule(_moved(rule, start, zone))
    for date in rules._rdate:
        moved.rdate(_wall(date, zone))
    for date in rules._exdate:
        moved.exdate(_wall(date, zone))
    return moved


def _moved(rule: Any, start: datetime, zone: tzinfo) -> rrule:
    first, until = _wall(rule._dtstart, zone), rule._until and _wall(rule._until, zone)
    period = _period(rule)
    if period is not None and rule._count is None and first < start:
        first += (start - first) // period * period
    return rule.replace(dtstart=first, until=until)


# by dateutil's constants, which go from YEARLY = 0 to SECONDLY = 6
_UNITS = {
    2: timedelta(weeks=1),
    3: timedelta(days=1),
    4: timedelta(hours=1),
    5: timedelta(minutes=1),
    6: timedelta(seconds=1),
}


def _period(rule: Any) -> timedelta | None:
    """After which time a rule without a count repeats; None for months and years."""
    unit = _UNITS.get(rule._freq)
    return None if unit is None else unit * int(rule._interval)


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)

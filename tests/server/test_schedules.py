"""When a schedule is due, in every time zone and across every change of its clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from prefect._base.clock import UTC, to_datetime, to_us
from prefect._base.slots import slots
from prefect.model.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

HOUR = 3600 * 1_000_000
NEW_YORK = "America/New_York"  # clocks go forward on 2027-03-14 at 07:00Z, back on 2027-11-07 at 06:00Z

zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
days = st.integers(0, 3 * 365).map(lambda day: to_us(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)))
hours = st.integers(0, 23)
minutes = st.integers(0, 59)


def due(schedule: dict[str, object], after: str, until: str) -> list[str]:
    found = slots(schedule, to_us(datetime.fromisoformat(after)), to_us(datetime.fromisoformat(until)))
    return [f"{to_datetime(moment):%m-%d %H:%M}" for moment in found]


def clock(moment: int, zone: str) -> datetime:
    return to_datetime(moment).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("schedule", "after", "until", "expected"),
    [
        # 02:30 does not exist on the 14th: an hour later by the clock, at the same distance from the day before
        (
            {"cron": "30 2 * * *"},
            "2027-03-13",
            "2027-03-16",
            ["03-13 07:30", "03-14 07:30", "03-15 06:30"],
        ),
        # 01:30 comes twice on the 7th: the first time
        (
            {"cron": "30 1 * * *"},
            "2027-11-06",
            "2027-11-09",
            ["11-06 05:30", "11-07 05:30", "11-08 06:30"],
        ),
        ({"cron": "0,30 1 * * *"}, "2027-11-07", "2027-11-08", ["11-07 05:00", "11-07 05:30"]),
        # every hour is every hour
        (
            {"cron": "0 * * * *"},
            "2027-11-07T03:30",
            "2027-11-07T08:30",
            ["11-07 04:00", "11-07 05:00", "11-07 06:00", "11-07 07:00", "11-07 08:00"],
        ),
        (
            {"cron": "0 * * * *"},
            "2027-03-14T05:30",
            "2027-03-14T09:30",
            ["03-14 06:00", "03-14 07:00", "03-14 08:00", "03-14 09:00"],
        ),
        # a day is a day of the clock, half a day is 12 hours
        (
            {"interval": 86400, "anchor_date": "2027-03-01T14:00:00Z"},
            "2027-03-13",
            "2027-03-16",
            ["03-13 14:00", "03-14 13:00", "03-15 13:00"],
        ),
        (
            {"interval": 43200, "anchor_date": "2027-03-01T14:00:00Z"},
            "2027-03-13T12:00",
            "2027-03-15",
            ["03-13 14:00", "03-14 02:00", "03-14 14:00"],
        ),
        (
            {"rrule": "DTSTART:20270301T023000\nFREQ=DAILY"},
            "2027-03-13",
            "2027-03-16",
            ["03-13 07:30", "03-14 07:30", "03-15 06:30"],
        ),
    ],
)
def test_clocks_that_are_put_forward_and_back(schedule, after, until, expected):
    assert due({**schedule, "timezone": NEW_YORK}, after, until) == expected


@pytest.mark.parametrize(
    ("rule", "until", "expected"),
    [
        ("DTSTART:20270301T013000Z\nRRULE:FREQ=DAILY;COUNT=2", "2027-04-01", ["03-01 01:30", "03-02 01:30"]),
        ("FREQ=WEEKLY;BYDAY=MO,WE", "2027-03-04", ["03-01 00:00", "03-03 00:00"]),
        (
            "DTSTART:20270301T013000\nRRULE:FREQ=DAILY\nEXDATE:20270302T013000",
            "2027-03-04",
            ["03-01 01:30", "03-03 01:30"],
        ),
        ("DTSTART;TZID=America/New_York:20270201T013000\nRRULE:FREQ=DAILY", "2027-03-02", ["03-01 06:30"]),
        (
            "DTSTART:20200101T000700\nRRULE:FREQ=MINUTELY;INTERVAL=35",
            "2027-03-01T01:00",
            ["03-01 00:17", "03-01 00:52"],
        ),
        ("DTSTART:20200101T000000\nRRULE:FREQ=DAILY;UNTIL=20200301T000000", "2027-04-01", []),
    ],
)
def test_rules_of_rfc_5545(rule, until, expected):
    assert due({"rrule": rule, "timezone": "UTC"}, "2027-02-28T23:59", until) == expected


def test_a_rule_is_the_same_wherever_one_starts_to_look():
    rule = {"rrule": "DTSTART:20200103T090000\nFREQ=WEEKLY;INTERVAL=3;BYDAY=TU,FR", "timezone": "UTC"}
    everything = list(slots(rule, to_us(datetime(2020, 1, 1)), to_us(datetime(2022, 1, 1))))
    for index, moment in enumerate(everything):
        assert list(islice(slots(rule, moment, everything[-1]), 3)) == everything[index + 1 : index + 4]


def test_a_cron_expression_takes_days_of_month_and_week_as_alternatives_or_together():
    either = due({"cron": "0 0 13 * 5", "timezone": "UTC"}, "2027-08-01", "2027-08-14")
    both = due({"cron": "0 0 13 * 5", "day_or": False}, "2027-08-01", "2027-08-14")
    assert (either, both) == (["08-06 00:00", "08-13 00:00"], ["08-13 00:00"])


def test_what_is_never_due_ends():
    assert due({"cron": "0 0 30 2 *"}, "2027-01-01", "2027-06-01") == []
    assert due({}, "2027-01-01", "2027-06-01") == []


@given(zones, days, hours, minutes)
@settings(max_examples=80, deadline=None)
def test_a_daily_time_comes_once_on_every_day_of_every_zone(zone, start, hour, minute):
    """Neither lost nor doubled; where the clock skips it, it comes when the clock is done skipping, or later."""
    schedule = {"cron": f"{minute} {hour} * * *", "timezone": zone}
    first = clock(start, zone).date()
    found = list(slots(schedule, start, start + 200 * 24 * HOUR))
    assert all(one < other for one, other in pairwise(found))
    wall = [clock(moment, zone) for moment in found]
    dates = [one.date() for one in wall]
    days_between = [(other - one).days for one, other in pairwise(dates)]
    assert set(days_between) <= {1}
    assert (dates[0] - first).days <= 1
    for one in wall:
        planned = datetime(one.year, one.month, one.day, hour, minute)
        assert one == planned or (planned < one <= planned + timedelta(hours=2) and skipped(planned, zone))


def skipped(wall: datetime, zone: str) -> bool:
    return (
        wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        != wall
    )


@given(zones, days, st.sampled_from([1, 2, 3, 5, 10, 15, 20, 30, 60]))
@settings(max_examples=40, deadline=None)
def test_what_goes_on_all_day_goes_on_across_every_change_of_the_clock(zone, start, step):
    """Every few minutes is every few minutes of real time where zones differ by whole steps, and no moment twice."""
    schedule = {"cron": f"*/{step} * * * *" if step < 60 else "0 * * * *", "timezone": zone}
    for change in changes(zone, start):
        found = list(slots(schedule, change - 3 * HOUR, change + 3 * HOUR))
        apart = {other - one for one, other in pairwise(found)}
        whole = all((offset(zone, at) // 60_000_000) % step == 0 for at in (change - HOUR, change + HOUR))
        assert apart == {step * 60_000_000} or not whole
        assert min(apart) > 0
        assert max(apart) <= max(step * 60_000_000, HOUR) + HOUR // 2


@given(zones, days, hours, st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_an_interval_of_days_keeps_the_time_of_day(zone, start, hour, length):
    anchor = start + hour * HOUR
    schedule = {
        "interval": length * 86400,
        "anchor_date": to_datetime(anchor).isoformat(),
        "timezone": zone,
    }
    found = list(slots(schedule, anchor - 1, anchor + 150 * 24 * HOUR))
    assert found[0] == anchor or offset(zone, anchor) != offset(zone, anchor - 24 * HOUR)
    dates = [clock(moment, zone).date() for moment in found]
    assert all((other - one).days == length for one, other in pairwise(dates))


@given(zones, days, st.integers(1, 86_399))
@settings(max_examples=50, deadline=None)
def test_a_shorter_interval_is_elapsed_time(zone, anchor, seconds):
    schedule = {"interval": seconds, "anchor_date": to_datetime(anchor).isoformat(), "timezone": zone}
    found = list(islice(slots(schedule, anchor - HOUR, anchor + 1000 * 24 * HOUR), 20))
    assert {(moment - anchor) % (seconds * 1_000_000) for moment in found} == {0}
    assert {other - one for one, other in pairwise(found)} == {seconds * 1_000_000}


@given(zones, days, st.sampled_from(["0 */6 * * *", "15,45 1-3 * * *", "7 0 * * 1", "*/25 2 1 * *"]))
@settings(max_examples=30, deadline=None)
def test_it_does_not_matter_where_one_starts_to_look(zone, start, cron):
    schedule = {"cron": cron, "timezone": zone}
    for change in changes(zone, start):
        end = change + 48 * HOUR
        everything = list(slots(schedule, change - 48 * HOUR, end))
        for moment in (
            change - HOUR,
            change - 1,
            change,
            change + HOUR // 2,
            change + HOUR,
            change + 3 * HOUR,
        ):
            assert list(slots(schedule, moment, end)) == [one for one in everything if one > moment]


def offset(zone: str, moment: int) -> int:
    return to_us(clock(moment, zone)) - moment


def changes(zone: str, start: int) -> list[int]:
    """When the clock of a zone is changed in the year that follows, to the second."""
    found = []
    for day in range(370):
        early, late = start + day * 24 * HOUR, start + (day + 1) * 24 * HOUR
        if offset(zone, early) != offset(zone, late):
            while late - early > 1_000_000:
                middle = (early + late) // 2
                early, late = (
                    (middle, late) if offset(zone, middle) == offset(zone, early) else (early, middle)
                )
            found.append(late - late % 1_000_000)
    return found


@pytest.mark.parametrize(
    "cron", ["nonsense", "61 * * * *", "* * *", "R * * * *", "H 3 * * *", "R(0-5) * * * *"]
)
def test_what_is_no_cron_expression_is_refused(cron):
    with pytest.raises(ValidationError, match="Invalid cron string"):
        CronSchedule(cron=cron)


@pytest.mark.parametrize("cron", ["@daily", "0 0 * * THU", "0 0 1 MAR *", "0 0 * * * 30", "0 0 L * *"])
def test_what_cron_expressions_may_hold(cron):
    assert CronSchedule(cron=cron).cron == cron


def test_a_rule_is_given_a_start_and_must_be_one():
    assert RRuleSchedule(rrule="FREQ=DAILY").rrule == "DTSTART:20200101T000000\nFREQ=DAILY"
    with pytest.raises(ValidationError, match="Invalid RRule string"):
        RRuleSchedule(rrule="FREQ=NOPE")


def test_zones_and_intervals_are_checked():
    with pytest.raises(ValidationError, match="Invalid timezone"):
        CronSchedule(cron="0 0 * * *", timezone="Mars/Olympus")
    with pytest.raises(ValidationError):
        IntervalSchedule(interval=timedelta(0))


@cache
def changes_of_clock(zone: str, year: int) -> list[int]:
    """The moments (to the hour) at which a zone changes its clock in a year."""

    def offset(moment: int) -> timedelta | None:
        return to_datetime(moment).astimezone(ZoneInfo(zone)).utcoffset()

    def changes(start: int, step: int, count: int) -> list[int]:
        moments = [start + index * step for index in range(count + 1)]
        return [a for a, b in pairwise(moments) if offset(a) != offset(b)]

    days = changes(to_us(datetime(year, 1, 1, tzinfo=UTC)), 24 * HOUR, 366)
    return [hour + HOUR for day in days for hour in changes(day, HOUR, 24)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "cron", ["30 2 * * *", "0 * * * *", "*/20 0-3 * * *"], ids=["daily", "hourly", "often"]
)
def test_in_no_zone_is_a_slot_doubled_or_lost_where_a_round_ends_near_a_change(cron):
    """However the time around every change of the clock is cut into rounds, their slots are those of the whole."""
    for zone in sorted(available_timezones() - {"localtime", "Factory"}):
        schedule = {"cron": cron, "timezone": zone}
        for change in changes_of_clock(zone, 2026):
            start, end = change - 26 * HOUR, change + 26 * HOUR
            whole = list(slots(schedule, start, end))
            cuts = [start, *range(change - 2 * HOUR, change + 3 * HOUR, HOUR // 2), end]
            assert [slot for a, b in pairwise(cuts) for slot in slots(schedule, a, b)] == whole, zone
            assert whole == sorted(set(whole)), zone
            if cron == "30 2 * * *":  # once on every day of the clock
                days = [clock(slot, zone).date() for slot in whole]
                assert len(days) == len(set(days)), zone

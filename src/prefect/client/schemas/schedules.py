"""The schemas of schedules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect._base.clock import now
from prefect.model.schedules import (
    SCHEDULE_TYPES,
    CronSchedule,
    IntervalSchedule,
    NoSchedule,
    RRuleSchedule,
    is_schedule_type,
    is_valid_timezone,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SCHEDULE_TYPES",
    "CronSchedule",
    "IntervalSchedule",
    "NoSchedule",
    "RRuleSchedule",
    "construct_schedule",
    "is_schedule_type",
    "is_valid_timezone",
]


def construct_schedule(
    interval: float | timedelta | None = None,
    anchor_date: datetime | str | None = None,
    cron: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
) -> SCHEDULE_TYPES:
    """A schedule from one of `interval` (a timedelta, or seconds), `cron` and `rrule`; none of them: never.

    Raises:
        ValueError: more than one is given, or an anchor date without an interval.
    """
    kinds: Mapping[str, Any] = {"interval": interval, "cron": cron, "rrule": rrule}
    given = [name for name, value in kinds.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"Expected at most one of interval, cron and rrule, got {' and '.join(given)}.")
    if anchor_date is not None and interval is None:
        raise ValueError("Expected an anchor date with an interval only: leave it out, or give an interval.")
    if interval is not None:
        every = interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
        fields = {"interval": every, "anchor_date": anchor_date or now(), "timezone": timezone}
        return IntervalSchedule.model_validate(fields)
    if cron is not None:
        return CronSchedule(cron=cron, timezone=timezone)
    if rrule is not None:
        return RRuleSchedule(rrule=rrule, timezone=timezone)
    return NoSchedule()

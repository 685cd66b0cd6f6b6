"""When a deployment runs by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Union

from annotated_types import Gt
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from typing_extensions import Self, TypeIs

from prefect._base.clock import now
from prefect._base.recurrence import check_cron, check_rrule
from prefect.model.base import DateTime, PrefectBaseModel


def is_valid_timezone(v: str) -> bool:
    """Whether `v` names a time zone of the IANA database."""
    from zoneinfo import ZoneInfo  # reads the database, only schedules need it

    try:
        ZoneInfo(v)
    except (ValueError, KeyError, OSError):
        return False
    return True


def _known_timezone(v: str | None) -> str | None:
    if v is not None and not is_valid_timezone(v):
        raise ValueError(
            f'Invalid timezone: "{v}" (specify in IANA tzdata format, for example, America/New_York)'
        )
    return v


Timezone = Annotated[str, AfterValidator(_known_timezone)]


def _cron(v: str) -> str:
    check_cron(v)
    return v


Cron = Annotated[str, AfterValidator(_cron)]
RRule = Annotated[str, AfterValidator(check_rrule)]


class _Schedule(PrefectBaseModel):
    model_config = ConfigDict(extra="forbid")


class IntervalSchedule(_Schedule):
    """Every `interval`, counted from `anchor_date`; in `timezone`, so that daily means daily there."""

    interval: Annotated[timedelta, Gt(timedelta(0))]
    anchor_date: DateTime = Field(default_factory=now)
    timezone: Timezone | None = None

    @model_validator(mode="after")
    def default_timezone(self) -> Self:
        """UTC, or the zone of the anchor."""
        if self.timezone is None:
            key = getattr(self.anchor_date.tzinfo, "key", None)
            self.timezone = key if isinstance(key, str) else "UTC"
        return self


class CronSchedule(_Schedule):
    """At the times of a cron expression; `day_or`: days of the month and of the week are alternatives."""

    cron: Cron
    timezone: Timezone | None = None
    day_or: bool = True


class RRuleSchedule(_Schedule):
    """At the times of an iCalendar recurrence rule (RFC 5545)."""

    rrule: RRule
    timezone: Timezone | None = "UTC"


class NoSchedule(_Schedule):
    """Never."""


Overlap = Literal["skip", "queue", "cancel_old"]
CatchUp = Literal["skip", "latest", "all"]

SCHEDULE_TYPES = Union[IntervalSchedule, CronSchedule, RRuleSchedule, NoSchedule]


def is_schedule_type(obj: Any) -> TypeIs[IntervalSchedule | CronSchedule | RRuleSchedule | NoSchedule]:
    """Whether `obj` is a schedule."""
    return isinstance(obj, (IntervalSchedule, CronSchedule, RRuleSchedule, NoSchedule))

"""When a deployment runs by itself: `Cron`, `Interval` and `RRule` make a `Schedule`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import TypedDict

from prefect._base.clock import now

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Cron", "Interval", "RRule", "Schedule"]


class Policies(TypedDict, total=False):
    """What `Cron`, `Interval` and `RRule` take beyond Prefect's arguments; see `Schedule`."""

    max_scheduled_runs: int | None
    overlap: Literal["skip", "queue", "cancel_old"] | None
    catch_up: Literal["skip", "latest", "all"] | None


@dataclass(frozen=True)
class Schedule:
    """When a deployment runs: exactly one of `interval`, `cron` and `rrule`.

    Attributes:
        interval: the time between two runs.
        cron: a cron expression, with five fields, or six with seconds as the last.
        rrule: a recurrence rule of RFC 5545.
        timezone: an IANA name; UTC where there is none.
        anchor_date: from which intervals are counted.
        day_or: days of the month and of the week in a cron expression are alternatives; False: both must fit.
        active: whether runs are made for it.
        parameters: of its runs, on top of the deployment's.
        slug: its name within the deployment.
        max_scheduled_runs: how many runs are made ahead at most.
        overlap: what becomes of a slot while a run of the schedule has not ended: `"skip"` it, `"queue"` it, or
            `"cancel_old"`, which cancels that run; None: both run.
        catch_up: what becomes of slots that nobody was there for: `"all"` run, only the `"latest"`, or none
            (`"skip"`); None: those that were made ahead run.

    Raises:
        ValueError: none of the three is given, or more than one.
    """

    interval: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime = field(default_factory=now)
    day_or: bool = True
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    slug: str | None = None
    max_scheduled_runs: int | None = None
    overlap: Literal["skip", "queue", "cancel_old"] | None = None
    catch_up: Literal["skip", "latest", "all"] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("interval", "cron", "rrule") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"Expected exactly one of interval, cron and rrule, got {' and '.join(given) or 'none'}."
            )


def Cron(  # noqa: N802, PLR0917 - reads as a kind of schedule; a public signature
    cron: str,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **policies: Unpack[Policies],
) -> Schedule:
    """At the times of a cron expression. Arguments as of `Schedule`."""
    return Schedule(
        cron=cron,
        timezone=timezone,
        day_or=day_or,
        active=active,
        parameters=parameters or {},
        slug=slug,
        **policies,
    )


def Interval(  # noqa: N802, PLR0917 - reads as a kind of schedule; a public signature
    interval: timedelta | float,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **policies: Unpack[Policies],
) -> Schedule:
    """Every so often: a timedelta, or seconds. Arguments as of `Schedule`."""
    return Schedule(
        interval=interval if isinstance(interval, timedelta) else timedelta(seconds=interval),
        anchor_date=anchor_date or now(),
        timezone=timezone,
        active=active,
        parameters=parameters or {},
        slug=slug,
        **policies,
    )


def RRule(  # noqa: N802 - reads as a kind of schedule; a public signature
    rrule: str,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **policies: Unpack[Policies],
) -> Schedule:
    """At the times of a recurrence rule. Arguments as of `Schedule`."""
    return Schedule(
        rrule=rrule, timezone=timezone, active=active, parameters=parameters or {}, slug=slug, **policies
    )

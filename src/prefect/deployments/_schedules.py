"""Every spelling of a deployment's schedules, as what the API takes."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from prefect._base.clock import now
from prefect.model.requests.deployment_actions import DeploymentScheduleCreate, DeploymentScheduleUpdate
from prefect.model.schedules import CronSchedule, IntervalSchedule, NoSchedule, RRuleSchedule
from prefect.schedules import Schedule

if TYPE_CHECKING:
    from prefect.model.schedules import SCHEDULE_TYPES

Seconds: TypeAlias = Union[int, float, timedelta]
Intervals: TypeAlias = Union[Iterable[Seconds], Seconds, None]
Texts: TypeAlias = Union[Iterable[str], str, None]
FlexibleScheduleList: TypeAlias = Sequence[
    Union[DeploymentScheduleCreate, DeploymentScheduleUpdate, Schedule, Mapping[str, Any], "SCHEDULE_TYPES"]
]
_KINDS = (CronSchedule, IntervalSchedule, RRuleSchedule, NoSchedule)


def schedules_of(
    *,
    interval: Intervals = None,
    cron: Texts = None,
    rrule: Texts = None,
    schedule: Schedule | None = None,
    schedules: FlexibleScheduleList | None = None,
) -> list[DeploymentScheduleCreate | DeploymentScheduleUpdate]:
    """The schedules that are asked for in one of five ways; none where none is.

    Raises:
        ValueError: more than one way is used, or a schedule is none (pydantic's ValidationError).
    """
    given = [one for one in (interval, cron, rrule, schedule, schedules) if one is not None]
    if len(given) > 1:
        raise ValueError("Only one of interval, cron, rrule, schedule, or schedules can be provided.")
    if interval is not None:
        return [_create(_interval(one)) for one in _several(interval)]
    if cron is not None:
        return [_create(CronSchedule(cron=one)) for one in _several(cron)]
    if rrule is not None:
        return [_create(RRuleSchedule(rrule=one)) for one in _several(rrule)]
    if schedule is not None:
        return [create_of(schedule)]
    return [create_of(one) for one in schedules or ()]


_OF_SCHEDULE = ("slug", "active", "max_scheduled_runs", "overlap", "catch_up")


def create_of(given: Any) -> DeploymentScheduleCreate | DeploymentScheduleUpdate:
    """One schedule in any of its forms: of `prefect.schedules`, of the client's schemas, or a mapping.

    Raises:
        TypeError: it is none.
        ValueError: what it holds is no schedule (pydantic's ValidationError).
    """
    if isinstance(given, (DeploymentScheduleCreate, DeploymentScheduleUpdate)):
        return given
    if isinstance(given, Schedule):
        policies = {name: getattr(given, name) for name in _OF_SCHEDULE}
        return _create(_of_schedule(given), **policies, parameters=dict(given.parameters))
    if isinstance(given, _KINDS):
        return _create(given)
    if isinstance(given, Mapping):
        return _of_mapping(dict(given))
    raise TypeError(
        f"Expected a schedule of prefect.schedules (Cron, Interval, RRule), got {type(given).__name__}."
    )


def _of_mapping(given: dict[str, Any]) -> DeploymentScheduleCreate:
    inner = given.pop("schedule", None)
    if inner is None:  # as in prefect.yaml: its own fields and the schedule's in one
        own = {
            name: given.pop(name) for name in tuple(given) if name in DeploymentScheduleCreate.model_fields
        }
        return _create(_kind_of(given), **own)
    if isinstance(inner, Schedule):
        made = create_of(inner)
        return _create(made.schedule, **{**made.model_dump(exclude={"schedule"}), **given})
    return _create(_kind_of(dict(inner)) if isinstance(inner, Mapping) else inner, **given)


def _kind_of(fields: dict[str, Any]) -> SCHEDULE_TYPES:
    for key, kind in (("cron", CronSchedule), ("interval", IntervalSchedule), ("rrule", RRuleSchedule)):
        if fields.get(key) is not None:
            return kind.model_validate(fields)
    raise ValueError(f"Expected a schedule with one of cron, interval and rrule, got {sorted(fields)}.")


def _of_schedule(given: Schedule) -> SCHEDULE_TYPES:
    if given.cron is not None:
        return CronSchedule(cron=given.cron, timezone=given.timezone, day_or=given.day_or)
    if given.rrule is not None:
        return RRuleSchedule(rrule=given.rrule, timezone=given.timezone or "UTC")
    assert given.interval is not None
    return IntervalSchedule(
        interval=given.interval, anchor_date=given.anchor_date, timezone=given.timezone or "UTC"
    )


def _interval(given: Seconds) -> IntervalSchedule:
    length = given if isinstance(given, timedelta) else timedelta(seconds=given)
    return IntervalSchedule(interval=length, anchor_date=now(), timezone="UTC")


def _several(given: Any) -> list[Any]:
    one = isinstance(given, (str, int, float, timedelta))
    return [given] if one else list(given)


def _create(schedule: Any, **extra: Any) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(schedule=schedule, **extra)

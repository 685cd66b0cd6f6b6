"""The options of a deployment, written once: `to_deployment`, `serve`, `add_flow` and `from_…` take them from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prefect.deployments._schedules import FlexibleScheduleList, Intervals, Texts
    from prefect.model.concurrency import ConcurrencyLimitConfig
    from prefect.schedules import Schedule
    from prefect.types.entrypoint import EntrypointType


class DeploymentOptions(TypedDict, total=False):
    """The options of a deployment.

    Attributes:
        interval: the time between two runs, in seconds or as a timedelta; or several.
        cron: a cron expression, or several.
        rrule: a recurrence rule of RFC 5545, or several.
        schedule: a schedule of `prefect.schedules`.
        schedules: several of them.
        paused: make no runs for the schedules.
        concurrency_limit: how many runs at once, wherever they are executed.
        parameters: of every run, unless it brings its own.
        triggers: automations that run it.
        description: for people; the flow's docstring unless given.
        tags: of every run.
        version: the flow's unless given.
        version_type: what kind of version that is.
        enforce_parameter_schema: refuse runs whose parameters do not fit the flow's annotations.
        work_pool_name: whose workers execute it; without, `serve` does.
        work_queue_name: a queue of that pool.
        job_variables: of the infrastructure: `env`, `working_dir`, `command`; `priority` (a number, 0 unless given;
            the least goes first) among runs that wait for `serve`.
        entrypoint_type: how another process finds the flow.
        recover: how often a run whose process has died is executed again, what it has recorded replayed.
    """

    interval: Intervals
    cron: Texts
    rrule: Texts
    schedule: Schedule | None
    schedules: FlexibleScheduleList | None
    paused: bool | None
    concurrency_limit: int | ConcurrencyLimitConfig | None
    parameters: dict[str, Any] | None
    triggers: Sequence[Any] | None
    description: str | None
    tags: list[str] | None
    version: str | None
    version_type: str | None
    enforce_parameter_schema: bool
    work_pool_name: str | None
    work_queue_name: str | None
    job_variables: Mapping[str, Any] | None
    entrypoint_type: EntrypointType | str
    recover: int
    _sla: Any


OF_SCHEDULES = ("interval", "cron", "rrule", "schedule", "schedules")


def check_names(given: Mapping[str, Any], function: str) -> None:
    """Raise TypeError for an option that there is not."""
    unknown = sorted(set(given) - set(DeploymentOptions.__annotations__))
    if unknown:
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}")

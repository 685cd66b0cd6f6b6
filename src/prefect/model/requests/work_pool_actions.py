"""What makes, changes and lists work pools, their queues and workers."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field

from prefect.model.base import DateTime, Name, PrefectBaseModel
from prefect.model.requests.base import (
    ActionBaseModel,
    FilterIds,
    FilterModel,
    FilterTime,
    NumberedPage,
    Operator,
    OperatorMixin,
    Page,
)
from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter
from prefect.model.work_pools import QueueFilter, WorkPoolStorageConfiguration

Limit = Annotated[int, Field(ge=0)]
Priority = Annotated[int, Field(gt=0)]
_PLACEHOLDER = re.compile(r"\{\{\s*([\w\.\-\[\]$]+)\s*\}\}")


def _template(template: dict[str, Any]) -> dict[str, Any]:
    """Every variable that a job is made with is declared."""
    if not template:
        return template
    variables: Any = template.get("variables")
    if not template.get("job_configuration") or not variables:
        raise ValueError(
            "The `base_job_template` must contain both a `job_configuration` key and a `variables` key."
        )
    declared = set(cast("dict[str, Any]", variables).get("properties", {}))
    missing = sorted({name for name in _names(template["job_configuration"]) if name not in declared})
    if missing:
        raise ValueError(
            "The variables specified in the job configuration template must be present as properties in the "
            f"variables schema. Your job configuration uses the following undeclared variable(s): "
            f"{' ,'.join(missing)}."
        )
    return template


def _names(value: Any) -> list[str]:
    """The variables that a template names; not what comes from blocks, variables and the environment."""
    if isinstance(value, str):
        return [name for name in _PLACEHOLDER.findall(value) if "." not in name and not name.startswith("$")]
    inner: Any = cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
    return [name for part in inner for name in _names(part)] if isinstance(value, (dict, list)) else []


Template = Annotated[dict[str, Any], AfterValidator(_template)]


class WorkPoolCreate(ActionBaseModel):
    """A new work pool."""

    name: Name
    description: str | None = None
    type: str = "prefect-agent"
    base_job_template: Template = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: Limit | None = None
    storage_configuration: WorkPoolStorageConfiguration = Field(default_factory=WorkPoolStorageConfiguration)


class WorkPoolUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: Template | None = None
    concurrency_limit: Limit | None = None
    storage_configuration: WorkPoolStorageConfiguration | None = None


class WorkQueueCreate(ActionBaseModel):
    """A new queue. Without a priority it comes last; with one, it comes before those that had it."""

    name: Name
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: Limit | None = None
    priority: Priority | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    name: Name | None = None
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: Limit | None = None
    priority: Priority | None = None
    last_polled: DateTime | None = None
    filter: QueueFilter | None = None


class FilterWorkPools(Page):
    """The body of a search."""

    work_pools: WorkPoolFilter | None = None


class CountWorkPools(PrefectBaseModel):
    """The body of a count."""

    work_pools: WorkPoolFilter | None = None


class FilterWorkQueues(Page):
    """The body of a search."""

    work_queues: WorkQueueFilter | None = None


class ScheduledOfWorkPool(PrefectBaseModel):
    """Of which queues runs are wanted that are due between two times."""

    work_queue_names: list[str] | None = None
    scheduled_before: DateTime | None = None
    scheduled_after: DateTime | None = None
    limit: int | None = Field(default=None, ge=0)


class ScheduledOfWorkQueue(PrefectBaseModel):
    """Runs are wanted that are due before a time."""

    scheduled_before: DateTime | None = None
    limit: int | None = Field(default=None, ge=0)


class ConcurrencyOfWorkPool(NumberedPage):
    """Which queues are asked about, and how many runs of each are wanted."""

    flow_run_limit: int = Field(default=10, ge=0)


class WorkerHeartbeat(PrefectBaseModel):
    """A worker is alive, and says how often it will say so."""

    name: str
    heartbeat_interval_seconds: int | None = None


class WorkerFilterWorkPoolId(FilterIds):
    """By work pool."""


class WorkerFilterLastHeartbeatTime(FilterTime):
    """By the last sign of life."""


class WorkerFilterStatus(FilterModel):
    """By status."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class WorkerFilter(FilterModel, OperatorMixin):
    """Which workers."""

    operator: Operator = Operator.and_
    last_heartbeat_time: WorkerFilterLastHeartbeatTime | None = None
    status: WorkerFilterStatus | None = None


class FilterWorkers(Page):
    """The body of a search."""

    workers: WorkerFilter | None = None

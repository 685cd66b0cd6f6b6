"""Deployments and schedules as they are answered."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from prefect._api.concurrency import limits_shown
from prefect._api.errors import missing
from prefect._storage import clauses
from prefect._storage import deployments as rows
from prefect._storage.concurrency import LIMITS
from prefect._storage.deployments import DEPLOYMENTS, SCHEDULES, DeploymentRecord, ScheduleRecord
from prefect.model.deployments import DeploymentResponse, DeploymentSchedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect._storage.protocol import Queries


def deployment_of(source: Queries, id: UUID) -> DeploymentRecord:
    """The deployment of that id. Raises ObjectNotFound."""
    record = DEPLOYMENTS.read(source, id=id.bytes)
    if record is None:
        raise missing("Deployment")
    return record


def deployments_shown(source: Queries, records: Sequence[DeploymentRecord]) -> list[DeploymentResponse]:
    """Deployments with their schedules, queues and limits, in their order."""
    schedules = _schedules_of(source, [record.id for record in records])
    queues = rows.queue_names(source, [one.work_queue_id for one in records if one.work_queue_id])
    limit_ids = list({one.concurrency_limit_id for one in records if one.concurrency_limit_id})
    found = LIMITS.find(source, [clauses.any_of("id", limit_ids)]) if limit_ids else []
    limits = {limit.id: limit for limit in limits_shown(source, found)}
    shown: list[DeploymentResponse] = []
    for record in records:
        fields = DEPLOYMENTS.shown(record)
        queue = queues.get(record.work_queue_id or b"")
        fields["work_queue_name"], fields["work_pool_name"] = queue[:2] if queue else (None, None)
        fields["schedules"] = schedules[record.id]
        fields["global_concurrency_limit"] = limits.get(fields["concurrency_limit_id"])
        shown.append(DeploymentResponse.model_validate(fields))
    return shown


def schedules_shown(records: Sequence[ScheduleRecord]) -> list[DeploymentSchedule]:
    """Schedules, in their order."""
    return [DeploymentSchedule.model_validate(SCHEDULES.shown(record)) for record in records]


def _schedules_of(source: Queries, ids: list[bytes]) -> dict[bytes, list[DeploymentSchedule]]:
    found: dict[bytes, list[DeploymentSchedule]] = defaultdict(list)
    conditions = [clauses.any_of("deployment_id", ids)]
    records = SCHEDULES.find(source, conditions, order="created DESC, id") if ids else []
    for record, shown in zip(records, schedules_shown(records), strict=True):
        found[record.deployment_id].append(shown)
    return found

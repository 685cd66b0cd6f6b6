"""Runs of deployments as they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.model.names import random_name
from prefect.model.records import FlowRunRecord

if TYPE_CHECKING:
    from prefect._storage.deployments import DeploymentRecord
    from prefect.model.records import StateRecord


def run_of(
    deployment: DeploymentRecord, flow_name: str, queue_id: bytes | None, state: StateRecord, **given: Any
) -> FlowRunRecord:
    """A run of a deployment in its first state. What is `given` are fields of the record; labels come on top."""
    now = now_us()
    scheduled = (state.details or {}).get("scheduled_time") if state.type == "SCHEDULED" else None
    run_id = new_id()
    made: dict[str, Any] = {
        "name": random_name(),
        "parameters": deployment.parameters,
        "tags": tuple(deployment.tags),
        "root_flow_run_id": run_id,
        **given,
    }
    made["labels"] = {
        **deployment.labels,
        "prefect.deployment.id": str(UUID(bytes=deployment.id)),
        **given.get("labels", {}),
    }
    made["extra"] = {"deployment_version": deployment.version, **given.get("extra", {})}
    return FlowRunRecord(
        id=run_id,
        flow_id=deployment.flow_id,
        flow_name=flow_name,
        state=state,
        created=now,
        updated=now,
        deployment_id=deployment.id,
        work_queue_id=queue_id,
        expected_start_time=scheduled or state.timestamp,
        next_scheduled_start_time=scheduled,
        **made,
    )

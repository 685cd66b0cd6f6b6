"""The schedules of deployments. Whatever changes one removes the runs that were made ahead for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.deployment_views import deployment_of, schedules_shown
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._backend.scheduler import ahead_of, schedule_between
from prefect._base.clock import now_us, to_us
from prefect._base.ids import new_id
from prefect._storage import deployments as rows
from prefect._storage import scheduled_runs
from prefect._storage.deployments import SCHEDULES, ScheduleRecord
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.deployments import DeploymentSchedule
from prefect.model.requests.deployment_actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    ScheduleDeployment,
)
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Transaction

_CONTENT = ("schedule", "active", "max_scheduled_runs", "parameters", "slug", "overlap", "catch_up")


@endpoint("GET", "/deployments/{id}/schedules")
def read_deployment_schedules(api: Api, id: UUID) -> list[DeploymentSchedule]:
    """The schedules of a deployment, the latest first. Raises ObjectNotFound."""
    deployment_of(api.store, id)
    found = SCHEDULES.find(api.store, [rows.of_deployment(id.bytes)], order="created DESC, id")
    return schedules_shown(found)


@endpoint("POST", "/deployments/{id}/schedules", status=201)
def create_deployment_schedules(
    api: Api, id: UUID, body: list[DeploymentScheduleCreate]
) -> list[DeploymentSchedule]:
    """More schedules for a deployment. Raises ObjectNotFound, ObjectAlreadyExists for a slug that is taken."""
    with api.store.write() as cx:
        deployment_of(cx, id)
        made = [_insert(cx, id.bytes, one) for one in body]
    return schedules_shown(made)


@endpoint("PATCH", "/deployments/{id}/schedules/{schedule_id}", status=204)
def update_deployment_schedule(api: Api, id: UUID, schedule_id: UUID, body: DeploymentScheduleUpdate) -> None:
    """Change a schedule. Raises ObjectNotFound, ObjectAlreadyExists for a slug that is taken."""
    with api.store.write() as cx:
        deployment_of(cx, id)
        _change(cx, _required(cx, id, schedule_id), body)


@endpoint("DELETE", "/deployments/{id}/schedules/{schedule_id}", status=204)
def delete_deployment_schedule(api: Api, id: UUID, schedule_id: UUID) -> None:
    """Remove a schedule. Raises ObjectNotFound."""
    with api.store.write() as cx:
        deployment_of(cx, id)
        _delete(cx, _required(cx, id, schedule_id))


@endpoint("POST", "/deployments/{id}/schedule")
def schedule_deployment(api: Api, id: UUID, body: ScheduleDeployment | None = None) -> None:
    """Make the runs of its schedules now, between two times if they are given. Raises ObjectNotFound."""
    asked = body or ScheduleDeployment()
    usual = ahead_of(get_current_settings())
    ahead = usual._replace(
        min_runs=asked.min_runs or usual.min_runs,
        max_runs=asked.max_runs or usual.max_runs,
        min_seconds=usual.min_seconds if asked.min_time is None else asked.min_time,
    )
    start = to_us(asked.start_time) if asked.start_time else now_us()
    end = to_us(asked.end_time) if asked.end_time else start + round(ahead.max_seconds * 1_000_000)
    with api.store.write() as cx:
        schedule_between(cx, deployment_of(cx, id), start, end, ahead)


def put_schedules(cx: Transaction, deployment_id: bytes, asked: Sequence[DeploymentScheduleCreate]) -> None:
    """Give a deployment these schedules and no others. One that is the same as before stays, and so do its runs."""
    wanted = [(one, _content(one)) for one in asked]
    kept: list[dict[str, Any]] = []
    for record in SCHEDULES.find(cx, [rows.of_deployment(deployment_id)]):
        content = {name: getattr(record, name) for name in _CONTENT}
        if any(content == other for _, other in wanted) and content not in kept:
            kept.append(content)
        else:
            _delete(cx, record)
    for one, content in wanted:
        if content in kept:
            kept.remove(content)
        else:
            _insert(cx, deployment_id, one)


def change_schedules(
    cx: Transaction, deployment_id: bytes, asked: Sequence[DeploymentScheduleUpdate]
) -> None:
    """Change the schedules of these slugs, and make those that are new; the others stay.

    Schedules that never had slugs are all replaced.

    Raises:
        Refused: a slug is missing where others have some, or a new schedule says nothing of when.
    """
    before = SCHEDULES.find(cx, [rows.of_deployment(deployment_id)])
    by_slug = {record.slug: record for record in before if record.slug is not None}
    if not by_slug:
        for record in before:
            _delete(cx, record)
    for one in asked:
        if by_slug and one.slug is None:
            raise Refused(
                "Please provide a slug for each schedule in your request to ensure schedules are updated correctly."
            )
        record = by_slug.get(one.replaces or "") or by_slug.get(one.slug or "")
        if record is not None:
            _change(cx, record, one)
        elif one.schedule is None:
            raise Refused("Unable to create new deployment schedules without a schedule configuration.")
        else:
            given = one.model_dump(exclude_unset=True, exclude_none=True)
            _insert(cx, deployment_id, DeploymentScheduleCreate.model_validate(given))


def _content(asked: DeploymentScheduleCreate) -> dict[str, Any]:
    content = asked.model_dump(mode="json", include=set(_CONTENT))
    return content | {"active": int(asked.active)}


def _insert(cx: Transaction, deployment_id: bytes, asked: DeploymentScheduleCreate) -> ScheduleRecord:
    _require_free(cx, deployment_id, asked.slug)
    now = now_us()
    record = ScheduleRecord(
        id=new_id(), deployment_id=deployment_id, created=now, updated=now, **_content(asked)
    )
    SCHEDULES.insert(cx, record)
    return record


def _change(cx: Transaction, record: ScheduleRecord, asked: DeploymentScheduleUpdate) -> None:
    changes = asked.model_dump(mode="json", exclude_unset=True, include=set(_CONTENT))
    required = ("schedule", "active", "parameters")
    changes = {name: value for name, value in changes.items() if value is not None or name not in required}
    if changes.get("slug", record.slug) != record.slug:
        _require_free(cx, record.deployment_id, changes["slug"])
    scheduled_runs.forget(cx, record.deployment_id, record.id)
    changes |= {"scheduled_until": 0, "look_again": 0, "updated": now_us()}
    SCHEDULES.update(cx, record.id, changes)


def _delete(cx: Transaction, record: ScheduleRecord) -> None:
    scheduled_runs.forget(cx, record.deployment_id, record.id)
    SCHEDULES.delete(cx, id=record.id)


def _required(cx: Transaction, deployment_id: UUID, schedule_id: UUID) -> ScheduleRecord:
    record = SCHEDULES.read(cx, id=schedule_id.bytes, deployment_id=deployment_id.bytes)
    if record is None:
        raise ObjectNotFound(help_message="Schedule not found.")
    return record


def _require_free(cx: Transaction, deployment_id: bytes, slug: str | None) -> None:
    if slug is not None and SCHEDULES.read(cx, deployment_id=deployment_id, slug=slug) is not None:
        raise ObjectAlreadyExists(None, f"The deployment has a schedule with slug {slug!r} already.")

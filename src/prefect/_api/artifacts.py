"""Artifacts: what runs show to people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.filtering import parts
from prefect._api.filtering.joint import in_flow_runs, in_task_runs
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import artifacts, clauses
from prefect._storage.artifacts import ARTIFACTS, COLLECTIONS, ArtifactRecord, CollectionRecord
from prefect._storage.clauses import Clause
from prefect.exceptions import ObjectNotFound
from prefect.model.objects import Artifact, ArtifactCollection
from prefect.model.requests.artifacts import (
    ArtifactCollectionFilter,
    ArtifactCreate,
    ArtifactFilter,
    ArtifactFilterKey,
    ArtifactFilterType,
    ArtifactUpdate,
    CountArtifacts,
    CountLatestArtifacts,
    FilterArtifacts,
    FilterLatestArtifacts,
)

if TYPE_CHECKING:
    from prefect.model.requests.joint import JointFilter

_ORDERS = {
    "CREATED_DESC": "id DESC",  # ids grow with time
    "UPDATED_DESC": "updated DESC, id DESC",
    "ID_DESC": "id DESC",
    "KEY_DESC": "key DESC, id DESC",
    "KEY_ASC": "key, id",
}
_LATEST_ORDERS = {
    "CREATED_DESC": "c.id DESC",
    "UPDATED_DESC": "a.updated DESC, c.id DESC",
    "ID_DESC": "c.id DESC",
    "KEY_DESC": "c.key DESC",
    "KEY_ASC": "c.key",
}


@endpoint("POST", "/artifacts/", status=201)
def create_artifact(api: Api, body: ArtifactCreate) -> Artifact:
    """Record an artifact; it is the latest of its key."""
    now = now_us()
    made = ArtifactRecord(
        id=new_id(),
        key=body.key,
        type=body.type,
        description=body.description,
        data=body.data,
        metadata_=Artifact.validate_metadata_length(body.metadata_),
        flow_run_id=body.flow_run_id.bytes if body.flow_run_id else None,
        task_run_id=body.task_run_id.bytes if body.task_run_id else None,
        created=now,
        updated=now,
    )
    with api.store.write() as cx:
        artifacts.insert(cx, made, new_id())
    return _shown(made)


@endpoint("GET", "/artifacts/{id}")
def read_artifact(api: Api, id: UUID) -> Artifact:
    """One artifact. Raises ObjectNotFound."""
    return _shown(_required(ARTIFACTS.read(api.store, id=id.bytes)))


@endpoint("GET", "/artifacts/{key}/latest")
def read_latest_artifact(api: Api, key: str) -> Artifact:
    """The latest artifact of a key. Raises ObjectNotFound."""
    return _shown(_required(artifacts.latest(api.store, key)))


@endpoint("POST", "/artifacts/filter")
def read_artifacts(api: Api, body: FilterArtifacts | None = None) -> list[Artifact]:
    """The artifacts that pass the filters."""
    asked = body or FilterArtifacts()
    found = ARTIFACTS.find(
        api.store, _where(asked, asked.artifacts), order=_ORDERS[asked.sort.value], **page_of(asked)
    )
    return [_shown(record) for record in found]


@endpoint("POST", "/artifacts/latest/filter")
def read_latest_artifacts(api: Api, body: FilterLatestArtifacts | None = None) -> list[ArtifactCollection]:
    """The keys whose latest artifacts pass the filters."""
    asked = body or FilterLatestArtifacts()
    found = artifacts.find_latest(
        api.store,
        _where_latest(asked, asked.artifacts),
        order=_LATEST_ORDERS[asked.sort.value],
        **page_of(asked),
    )
    return [_collection(collection, latest) for collection, latest in found]


@endpoint("POST", "/artifacts/count")
def count_artifacts(api: Api, body: CountArtifacts | None = None) -> int:
    """How many artifacts pass the filters."""
    asked = body or CountArtifacts()
    return ARTIFACTS.count(api.store, _where(asked, asked.artifacts))


@endpoint("POST", "/artifacts/latest/count")
def count_latest_artifacts(api: Api, body: CountLatestArtifacts | None = None) -> int:
    """How many keys have a latest artifact that passes the filters."""
    asked = body or CountLatestArtifacts()
    return artifacts.count_latest(api.store, _where_latest(asked, asked.artifacts))


@endpoint("PATCH", "/artifacts/{id}", status=204)
def update_artifact(api: Api, id: UUID, body: ArtifactUpdate) -> None:
    """Change an artifact. Raises ObjectNotFound."""
    changes = body.model_dump(exclude_unset=True)
    if "metadata_" in changes:
        changes["metadata_"] = Artifact.validate_metadata_length(changes["metadata_"])
    with api.store.write() as cx:
        if not ARTIFACTS.update(cx, id.bytes, {**changes, "updated": now_us()}):
            raise ObjectNotFound(help_message="Artifact not found.")


@endpoint("DELETE", "/artifacts/{id}", status=204)
def delete_artifact(api: Api, id: UUID) -> None:
    """Remove an artifact. Raises ObjectNotFound."""
    with api.store.write() as cx:
        artifacts.delete(cx, _required(ARTIFACTS.read(cx, id=id.bytes)))


def _where(asked: JointFilter, own: ArtifactFilter | None) -> list[Clause]:
    found = parts.part(own, lambda one: _compiled(one, ""))
    return [*found, *in_flow_runs("flow_run_id", asked), *in_task_runs("task_run_id", asked)]


def _where_latest(asked: JointFilter, own: ArtifactCollectionFilter | None) -> list[Clause]:
    found = parts.part(own, lambda one: _compiled(one, "a."))
    return [*found, *in_flow_runs("a.flow_run_id", asked), *in_task_runs("a.task_run_id", asked)]


def _compiled(asked: ArtifactFilter | ArtifactCollectionFilter, table: str) -> Clause:
    ids = asked.id if isinstance(asked, ArtifactFilter) else asked.latest_id
    found: list[Clause] = []
    for column, filter in (
        ("id", ids),
        ("flow_run_id", asked.flow_run_id),
        ("task_run_id", asked.task_run_id),
    ):
        if filter is not None:
            found += parts.ids(table + column, filter)
    if asked.key is not None:
        found += _by_key(f"{table}key", asked.key)
    if asked.type is not None:
        found += _by_type(f"{table}type", asked.type)
    return clauses.joined(asked.operator.value, found)


def _by_key(column: str, asked: ArtifactFilterKey) -> list[Clause]:
    return parts.names(column, asked) + (
        [] if asked.exists_ is None else [clauses.is_null(column, not asked.exists_)]
    )


def _by_type(column: str, asked: ArtifactFilterType) -> list[Clause]:
    found = parts.names(column, asked)
    return found if asked.not_any_ is None else [*found, clauses.none_of(column, asked.not_any_)]


def _required(record: ArtifactRecord | None) -> ArtifactRecord:
    if record is None:
        raise ObjectNotFound(help_message="Artifact not found.")
    return record


def _shown(record: ArtifactRecord) -> Artifact:
    return Artifact.model_validate(ARTIFACTS.shown(record))


def _collection(collection: CollectionRecord, latest: ArtifactRecord) -> ArtifactCollection:
    return ArtifactCollection.model_validate({**ARTIFACTS.shown(latest), **COLLECTIONS.shown(collection)})

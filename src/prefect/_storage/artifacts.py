"""Artifacts, and the latest one of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import EVERYTHING, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries, Transaction


class ArtifactRecord(NamedTuple):
    """An artifact."""

    id: bytes
    key: str | None
    type: str | None
    description: str | None
    data: Any
    metadata_: dict[str, str] | None
    flow_run_id: bytes | None
    task_run_id: bytes | None
    created: int
    updated: int


class CollectionRecord(NamedTuple):
    """A key of artifacts."""

    id: bytes
    key: str
    latest_id: bytes
    created: int


ARTIFACTS = Table("artifact", ArtifactRecord, json=("data", "metadata_"))
COLLECTIONS = Table("artifact_collection", CollectionRecord, times=("created",))

_OF_LATEST = "artifact_collection c JOIN artifact a ON a.id = c.latest_id"
_COLUMNS = ",".join(
    [*(f"c.{column}" for column in COLLECTIONS.columns), *(f"a.{column}" for column in ARTIFACTS.columns)]
)


def insert(cx: Transaction, artifact: ArtifactRecord, collection_id: bytes) -> None:
    """A new artifact: from now on the latest of its key.

    Of two that are written at once the one with the later id is.
    """
    ARTIFACTS.insert(cx, artifact)
    if artifact.key is not None:
        cx.execute(
            "INSERT INTO artifact_collection (id, key, latest_id, created) VALUES (?,?,?,?)"
            " ON CONFLICT (key) DO UPDATE SET latest_id = excluded.latest_id"
            " WHERE excluded.latest_id > artifact_collection.latest_id",
            (collection_id, artifact.key, artifact.id, artifact.created),
        )


def delete(cx: Transaction, artifact: ArtifactRecord) -> None:
    """Remove an artifact: the one before it, if there is one, is the latest of its key."""
    ARTIFACTS.delete(cx, id=artifact.id)
    before = latest(cx, artifact.key) if artifact.key is not None else None
    if before is None:
        cx.execute("DELETE FROM artifact_collection WHERE latest_id = ?", (artifact.id,))
    else:
        cx.execute(
            "UPDATE artifact_collection SET latest_id = ? WHERE latest_id = ?", (before.id, artifact.id)
        )


def latest(source: Queries, key: str) -> ArtifactRecord | None:
    """The last artifact of a key."""
    found = ARTIFACTS.find(source, [clauses.compare("key", "=", key)], order="key DESC, id DESC", limit=1)
    return found[0] if found else None


def find_latest(
    source: Queries, conditions: Sequence[Clause], *, order: str, limit: int | None = None, offset: int = 0
) -> list[tuple[CollectionRecord, ArtifactRecord]]:
    """Keys (as `c`), each with its latest artifact (as `a`)."""
    where, values = clauses.where(conditions)
    rows = source.rows(
        f"SELECT {_COLUMNS} FROM {_OF_LATEST}{where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*values, EVERYTHING if limit is None else limit, offset),
    )
    width = len(COLLECTIONS.columns)
    return [(COLLECTIONS.of(row[:width]), ARTIFACTS.of(row[width:])) for row in rows]


def count_latest(source: Queries, conditions: Sequence[Clause]) -> int:
    """How many keys there are."""
    where, values = clauses.where(conditions)
    row = source.row(f"SELECT COUNT(*) FROM {_OF_LATEST}{where}", values)  # noqa: S608 - texts of ours
    return int(row[0]) if row else 0

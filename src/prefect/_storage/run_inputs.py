"""The SQL of what is sent to flow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.protocol import Queries, Transaction


class FlowRunInputRecord(NamedTuple):
    """Something that was sent to a run under a key."""

    id: bytes
    flow_run_id: bytes
    key: str
    value: str
    sender: str | None
    created: int
    updated: int


INPUTS = Table("flow_run_input", FlowRunInputRecord)
_LIST = ",".join(INPUTS.columns)


def insert(cx: Transaction, record: FlowRunInputRecord) -> bool:
    """Write it; False where the key is taken."""
    done = cx.execute(
        f"INSERT INTO flow_run_input ({_LIST}) VALUES ({','.join('?' * len(record))}) "  # noqa: S608
        "ON CONFLICT (flow_run_id, key) DO NOTHING",
        record,
    )
    return done.rowcount == 1


def forget(cx: Transaction, run_id: bytes, keys: Iterable[str], *, before: int) -> None:
    """Remove what was sent under these keys before a time (µs UTC)."""
    for key in keys:
        cx.execute(
            "DELETE FROM flow_run_input WHERE flow_run_id = ? AND key = ? AND created < ?",
            (run_id, key, before),
        )


def beginning(
    source: Queries, run_id: bytes, prefix: str, *, without: Sequence[str], limit: int
) -> list[FlowRunInputRecord]:
    """What was sent under keys that begin so, the oldest first."""
    conditions = [
        clauses.compare("flow_run_id", "=", run_id),
        clauses.begins_with("key", prefix),
        clauses.none_of("key", without),
    ]
    return INPUTS.find(source, conditions, order="created, id", limit=limit)


def mark(source: Queries, run_id: bytes) -> str:
    """What changes when a run enters another state, or something is sent to it."""
    row = source.row(
        "SELECT state_id, (SELECT i.id FROM flow_run_input i WHERE i.flow_run_id = r.id ORDER BY i.id DESC LIMIT 1) "
        "FROM flow_run r WHERE r.id = ?",
        (run_id,),
    )
    return ".".join(bytes(value or b"").hex() for value in row or ())

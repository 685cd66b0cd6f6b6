"""The audit log: what was changed, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.pruning import first_id_at
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Transaction


class AuditRecord(NamedTuple):
    """A change, done or refused."""

    id: bytes
    timestamp: int
    actor: str | None
    endpoint: str | None
    method: str
    path: str
    status: int
    address: str | None


AUDIT = Table("audit_entry", AuditRecord, times=("timestamp",))


def insert(cx: Transaction, entries: Sequence[AuditRecord]) -> None:
    """Write many entries; one that is there already is left alone."""
    width = len(AuditRecord._fields)
    cx.insert_many(
        f"INSERT INTO audit_entry ({','.join(AUDIT.columns)})", "ON CONFLICT (id) DO NOTHING", entries, width
    )


def delete_before(cx: Transaction, moment: int, most: int) -> int:
    """Remove up to `most` entries made before a time (microseconds UTC); how many there were."""
    some = "SELECT id FROM audit_entry WHERE id < ? LIMIT ?"
    return cx.execute(
        f"DELETE FROM audit_entry WHERE id IN ({some})",  # noqa: S608 - text of ours
        (first_id_at(moment), most),
    ).rowcount

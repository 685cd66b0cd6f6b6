"""The SQL of executing processes and their leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.model.records import ProcessRecord

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Store, Transaction

_LIST = ",".join(ProcessRecord._fields)
_MARKS = ",".join("?" * len(ProcessRecord._fields))


def insert(cx: Transaction, process: ProcessRecord) -> None:
    """A process takes its lease."""
    cx.execute(f"INSERT OR REPLACE INTO process ({_LIST}) VALUES ({_MARKS})", process)  # noqa: S608


def renew(cx: Transaction, process: ProcessRecord) -> bool:
    """Prolong a lease; False if it is gone (the process was taken for dead)."""
    changed = cx.execute(
        "UPDATE process SET lease_until = ?, oom_kills = ?, peak_memory = ? WHERE id = ?",
        (process.lease_until, process.oom_kills, process.peak_memory, process.id),
    )
    return changed.rowcount == 1


def remove(cx: Transaction, process_id: bytes) -> None:
    """A process has ended, or executes nothing any more."""
    cx.execute("DELETE FROM process WHERE id = ?", (process_id,))


def others(store: Store, process_id: bytes | None) -> list[ProcessRecord]:
    """Every process that holds a lease, but this one."""
    rows = store.rows(f"SELECT {_LIST} FROM process WHERE id IS NOT ?", (process_id,))  # noqa: S608
    return [ProcessRecord._make(row) for row in rows]


def read(store: Queries, process_id: bytes) -> ProcessRecord | None:
    """One process."""
    row = store.row(f"SELECT {_LIST} FROM process WHERE id = ?", (process_id,))  # noqa: S608
    return ProcessRecord._make(row) if row else None

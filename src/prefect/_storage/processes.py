"""The SQL of executing processes and their leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.model.records import ProcessRecord

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Store, Transaction

_LIST = ",".join(ProcessRecord._fields)
_INSERT = (
    f"INSERT INTO process ({_LIST}) VALUES ({','.join('?' * len(ProcessRecord._fields))}) "  # noqa: S608
    f"ON CONFLICT (id) DO UPDATE SET {','.join(f'{c} = excluded.{c}' for c in ProcessRecord._fields[1:])}"
)


def insert(cx: Transaction, process: ProcessRecord) -> None:
    """A process takes its lease."""
    cx.execute(_INSERT, process)


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
    rows = store.rows(f"SELECT {_LIST} FROM process WHERE id <> ?", (process_id or b"",))  # noqa: S608
    return [ProcessRecord._make(row) for row in rows]


def read(store: Queries, process_id: bytes) -> ProcessRecord | None:
    """One process."""
    row = store.row(f"SELECT {_LIST} FROM process WHERE id = ?", (process_id,))  # noqa: S608
    return ProcessRecord._make(row) if row else None

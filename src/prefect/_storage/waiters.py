"""The SQL of who waits for slots of concurrency limits, in the order in which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.clauses import any_of
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction


class WaiterRecord(NamedTuple):
    """One who waits: for so many slots of the limit that was full when it last asked."""

    id: bytes
    limit_id: bytes
    slots: int
    holder_type: str | None
    holder_id: bytes | None
    since: int
    expires: int


class Waiting(NamedTuple):
    """A run that waits, and for what."""

    holder_id: bytes
    limit_id: bytes
    limit: str
    slot_limit: int
    since: int


WAITERS = Table("concurrency_waiter", WaiterRecord, times=("since", "expires"))


def stand_in_line(cx: Transaction, waiter: WaiterRecord) -> None:
    """Wait for slots of a limit; who waits already keeps its place."""
    cx.execute(
        "INSERT INTO concurrency_waiter (id, limit_id, slots, holder_type, holder_id, since, expires) "
        "VALUES (?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET limit_id = excluded.limit_id, "
        "expires = excluded.expires",
        tuple(waiter),
    )


def since(cx: Transaction, ticket: bytes) -> int | None:
    """When a waiter came; None where it has not."""
    row = cx.row("SELECT since FROM concurrency_waiter WHERE id = ?", (ticket,))
    return int(row[0]) if row else None


def first_before(
    cx: Transaction, limit_ids: Sequence[bytes], ticket: bytes, since: int, now: int
) -> bytes | None:
    """The limit for whose slots somebody waits who came before a waiter; None where nobody does."""
    if not limit_ids:
        return None
    of_limits = any_of("limit_id", limit_ids)
    row = cx.row(
        f"SELECT limit_id FROM concurrency_waiter WHERE {of_limits.sql} AND expires > ? "  # noqa: S608 - texts of ours
        "AND (since < ? OR (since = ? AND id < ?)) LIMIT 1",
        (*of_limits.values, now, since, since, ticket),
    )
    return bytes(row[0]) if row else None


def go_before(cx: Transaction, limit_ids: Sequence[bytes], ticket: bytes) -> None:
    """Forget who came before a waiter: they do not take what is free."""
    of_limits = any_of("limit_id", limit_ids)
    cx.execute(
        f"DELETE FROM concurrency_waiter WHERE {of_limits.sql} AND "  # noqa: S608 - texts of ours
        "since <= (SELECT w.since FROM concurrency_waiter w WHERE w.id = ?) AND id <> ?",
        (*of_limits.values, ticket, ticket),
    )


def waiting(source: Queries, holder_ids: Sequence[bytes], now: int) -> list[Waiting]:
    """What these runs wait for, who came first first."""
    found: list[Waiting] = []
    for start in range(0, len(holder_ids), 500):
        of_runs = any_of("w.holder_id", holder_ids[start : start + 500])
        rows = source.rows(
            "SELECT w.holder_id, l.id, l.name, l.slot_limit, w.since FROM concurrency_waiter w "  # noqa: S608
            f"JOIN concurrency_limit l ON l.id = w.limit_id WHERE {of_runs.sql} AND w.expires > ? ORDER BY w.since",
            (*of_runs.values, now),
        )
        found += [
            Waiting(bytes(row[0]), bytes(row[1]), str(row[2]), int(row[3]), int(row[4])) for row in rows
        ]
    return found

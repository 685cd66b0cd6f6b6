"""Concurrency limits, and the slots of them that leases own.

A slot is a row, never a counter: what is taken is what the rows say, and a row that has expired does not count
from that moment on, whether or not somebody has removed it yet.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.protocol import Queries, Transaction

SECOND = 1_000_000  # microseconds


class LimitRecord(NamedTuple):
    """A limit. One with a decay (slots per second) is a rate limit: its slots become free by themselves."""

    id: bytes
    name: str
    slot_limit: int
    active: int
    slot_decay_per_second: float
    denied_slots: int
    avg_slot_occupancy: float
    created: int
    updated: int


class LeaseRecord(NamedTuple):
    """Who has taken slots, and until when; without `expires`, until they are given back."""

    id: bytes
    holder_type: str | None
    holder_id: bytes | None
    created: int
    expires: int | None


class SlotRecord(NamedTuple):
    """What a lease owns of a limit."""

    limit_id: bytes
    lease_id: bytes
    slots: int
    decays: int
    expires: int | None


LIMITS = Table("concurrency_limit", LimitRecord)
LEASES = Table("concurrency_lease", LeaseRecord, times=("created", "expires"))
SLOTS = Table("concurrency_slot", SlotRecord, times=("expires",))


def lock(cx: Transaction, names: Iterable[str]) -> list[LimitRecord]:
    """The limits of these names that exist, by name; nobody else takes their slots until the transaction ends.

    The rows are locked one by one in the order of their names, so that two transactions never wait for each other.
    """
    found: list[LimitRecord] = []
    for name in sorted(set(names)):
        # a write that changes nothing: the one way to lock a row that all databases have
        cx.execute("UPDATE concurrency_limit SET active = active WHERE name = ?", (name,))
        limit = LIMITS.read(cx, name=name)
        if limit is not None:
            found.append(limit)
    return found


def known(source: Queries, names: Sequence[str]) -> list[str]:
    """Those of the names that limits have."""
    wanted = clauses.any_of("name", names)
    rows = source.rows(f"SELECT name FROM concurrency_limit WHERE {wanted.sql}", wanted.values)  # noqa: S608
    return [str(row[0]) for row in rows]


# what a row counts for: all of its slots, or those that have not decayed yet
_LEFT = (
    "CASE WHEN s.decays = 0 THEN s.slots"
    " WHEN (s.expires - ?) * l.slot_decay_per_second < s.slots * 1000000.0"
    " THEN (s.expires - ?) * l.slot_decay_per_second / 1000000.0 ELSE s.slots END"
)


def levels(source: Queries, limit_ids: Sequence[bytes], now: int) -> dict[bytes, float]:
    """How many slots of each limit are taken; of a rate limit, parts of slots too."""
    if not limit_ids:
        return {}
    of_limits = clauses.any_of("s.limit_id", limit_ids)
    rows = source.rows(
        f"SELECT s.limit_id, SUM({_LEFT}) FROM concurrency_slot s"  # noqa: S608 - texts of ours
        " JOIN concurrency_limit l ON l.id = s.limit_id"
        f" WHERE {of_limits.sql} AND (s.expires IS NULL OR s.expires > ?) GROUP BY s.limit_id",
        (now, now, *of_limits.values, now),
    )
    return {bytes(limit_id): float(level) for limit_id, level in rows}


def whole(level: float) -> int:
    """The slots that are taken: one that has not decayed wholly is."""
    return math.ceil(level - 1e-9)


def drained_at(cx: Transaction, limit_id: bytes, now: int) -> int:
    """When the last decaying slot of the limit is free: the next ones decay from then on."""
    row = cx.row(
        "SELECT MAX(expires) FROM concurrency_slot WHERE limit_id = ? AND decays = 1 AND expires > ?",
        (limit_id, now),
    )
    return int(row[0]) if row and row[0] is not None else now


def forget_expired(cx: Transaction, limit_id: bytes, now: int) -> None:
    """Remove the slots of a limit that are over, so that its rows stay few."""
    cx.execute("DELETE FROM concurrency_slot WHERE limit_id = ? AND expires <= ?", (limit_id, now))


def renew(cx: Transaction, lease_id: bytes, expires: int, now: int) -> bool:
    """Keep a lease until then; False where it has expired, was revoked or given back."""
    done = cx.execute(
        "UPDATE concurrency_lease SET expires = ? WHERE id = ? AND expires > ?", (expires, lease_id, now)
    )
    if done.rowcount == 0:
        return False
    cx.execute(
        "UPDATE concurrency_slot SET expires = ? WHERE lease_id = ? AND decays = 0", (expires, lease_id)
    )
    return True


def limits_of(cx: Transaction, lease_id: bytes) -> list[str]:
    """The names of the limits whose slots a lease owns."""
    rows = cx.rows(
        "SELECT l.name FROM concurrency_slot s JOIN concurrency_limit l ON l.id = s.limit_id WHERE s.lease_id = ?",
        (lease_id,),
    )
    return [str(row[0]) for row in rows]


def slots_by_age(cx: Transaction, limit_id: bytes) -> list[SlotRecord]:
    """The slots of a limit, the oldest first: ids of leases grow with time."""
    return SLOTS.find(cx, [clauses.compare("limit_id", "=", limit_id)], order="lease_id")


def set_slots(cx: Transaction, slot: SlotRecord, **changes: Any) -> None:
    """Change what a lease owns of a limit."""
    assignments = ",".join(f"{column} = ?" for column in changes)
    cx.execute(
        f"UPDATE concurrency_slot SET {assignments} WHERE limit_id = ? AND lease_id = ?",  # noqa: S608
        (*changes.values(), slot.limit_id, slot.lease_id),
    )


def holders(source: Queries, limit_ids: Sequence[bytes], now: int) -> dict[bytes, list[bytes]]:
    """For each limit, who holds its slots, in the order in which they came."""
    if not limit_ids:
        return {}
    of_limits = clauses.any_of("s.limit_id", limit_ids)
    rows = source.rows(
        "SELECT s.limit_id, e.holder_id FROM concurrency_slot s JOIN concurrency_lease e ON e.id = s.lease_id"  # noqa: S608
        f" WHERE {of_limits.sql} AND e.holder_id IS NOT NULL AND (s.expires IS NULL OR s.expires > ?)"
        " ORDER BY s.lease_id",
        (*of_limits.values, now),
    )
    found: dict[bytes, list[bytes]] = {}
    for limit_id, holder_id in rows:
        found.setdefault(bytes(limit_id), []).append(bytes(holder_id))
    return found


def held(source: Queries, limit_id: bytes, now: int) -> list[LeaseRecord]:
    """The leases that own slots of a limit, who came first first."""
    rows = source.rows(
        "SELECT e.id, e.holder_type, e.holder_id, e.created, e.expires FROM concurrency_slot s "
        "JOIN concurrency_lease e ON e.id = s.lease_id WHERE s.limit_id = ? "
        "AND (s.expires IS NULL OR s.expires > ?) ORDER BY s.lease_id",
        (limit_id, now),
    )
    return [LeaseRecord(*row) for row in rows]


def lease_of(cx: Transaction, limit_id: bytes, holder_type: str, holder_id: bytes) -> bytes | None:
    """The lease by which a holder owns slots of a limit."""
    row = cx.row(
        "SELECT e.id FROM concurrency_slot s JOIN concurrency_lease e ON e.id = s.lease_id"
        " WHERE s.limit_id = ? AND e.holder_id = ? AND e.holder_type = ?",
        (limit_id, holder_id, holder_type),
    )
    return bytes(row[0]) if row else None


def leases_of(source: Queries, holder_ids: Sequence[bytes]) -> list[bytes]:
    """The leases of these holders."""
    found: list[bytes] = []
    for start in range(0, len(holder_ids), 500):
        held = clauses.any_of("holder_id", holder_ids[start : start + 500])
        rows = source.rows(f"SELECT id FROM concurrency_lease WHERE {held.sql}", held.values)  # noqa: S608
        found += [bytes(row[0]) for row in rows]
    return found


def release_expired(cx: Transaction, now_us: int) -> int:
    """Remove the leases that have expired, with their slots; how many leases there were."""
    cx.execute("DELETE FROM concurrency_slot WHERE expires <= ?", (now_us,))
    return cx.execute("DELETE FROM concurrency_lease WHERE expires <= ?", (now_us,)).rowcount

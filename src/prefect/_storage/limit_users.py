"""The SQL of who holds the slots of limits and who waits for them: the first ones of each, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.clauses import any_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries


class UserRecord(NamedTuple):
    """One who holds slots or waits for some; `among` are there of their limit."""

    limit_id: bytes
    holder_type: str | None
    holder_id: bytes | None
    slots: int
    since: int
    until: int | None
    among: int


def holding(source: Queries, limit_ids: Sequence[bytes], now: int, most: int) -> list[UserRecord]:
    """Who holds slots of the limits, who came first first."""
    if not limit_ids:
        return []
    wanted = any_of("s.limit_id", limit_ids)
    inner = (
        "SELECT s.limit_id, e.holder_type, e.holder_id, s.slots, e.created AS since, s.expires AS until,"  # noqa: S608
        " COUNT(*) OVER (PARTITION BY s.limit_id) AS among,"
        " ROW_NUMBER() OVER (PARTITION BY s.limit_id ORDER BY s.lease_id) AS place"
        " FROM concurrency_slot s JOIN concurrency_lease e ON e.id = s.lease_id"
        f" WHERE {wanted.sql} AND s.slots > 0 AND (s.expires IS NULL OR s.expires > ?)"
    )
    return _first(source, inner, (*wanted.values, now), most)


def waiting(source: Queries, limit_ids: Sequence[bytes], now: int, most: int) -> list[UserRecord]:
    """Who waits for slots of the limits, who came first first."""
    if not limit_ids:
        return []
    wanted = any_of("limit_id", limit_ids)
    inner = (
        "SELECT limit_id, holder_type, holder_id, slots, since, NULL AS until,"  # noqa: S608
        " COUNT(*) OVER (PARTITION BY limit_id) AS among,"
        " ROW_NUMBER() OVER (PARTITION BY limit_id ORDER BY since, id) AS place"
        f" FROM concurrency_waiter WHERE {wanted.sql} AND expires > ?"
    )
    return _first(source, inner, (*wanted.values, now), most)


def _first(source: Queries, inner: str, values: tuple[object, ...], most: int) -> list[UserRecord]:
    rows = source.rows(
        "SELECT limit_id, holder_type, holder_id, slots, since, until, among"  # noqa: S608 - texts of ours
        f" FROM ({inner}) users WHERE place <= ? ORDER BY limit_id, place",
        (*values, most),
    )
    return [UserRecord(*row) for row in rows]

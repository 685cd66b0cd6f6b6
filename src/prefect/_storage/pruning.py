"""The SQL of forgetting: old runs that have ended, and rows that belong to no flow run.

Ids begin with their time of creation (UUIDv7), so that "old" is a range of the primary key: where nothing is
old, looking costs a page or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store, Transaction

_TERMINAL = "('COMPLETED','FAILED','CANCELLED','CRASHED')"
# a root and everything below it, where all of that ended before the time given
_TREE = f"""
    WITH RECURSIVE tree (id) AS (
        SELECT id FROM flow_run WHERE id = ?
        UNION ALL SELECT r.id FROM flow_run r JOIN tree t ON r.parent_flow_run_id = t.id
    )
    SELECT t.id, r.state_type IN {_TERMINAL} AND r.state_timestamp < ?
    FROM tree t JOIN flow_run r ON r.id = t.id
"""  # noqa: S608
_ENDED_ROOTS = f"""
    FROM flow_run r WHERE id < ? AND state_timestamp < ? AND state_type IN {_TERMINAL}
    AND NOT EXISTS (SELECT 1 FROM flow_run p WHERE p.id = r.parent_flow_run_id)
"""  # noqa: S608


def first_id_at(moment: int) -> bytes:
    """The smallest id that is made at `moment` (microseconds UTC)."""
    return (max(0, moment // 1000) << 80).to_bytes(16, "big")


def count_ended_roots(store: Store, before: int) -> int:
    """How many runs that are no subflows ended before a time."""
    row = store.row(f"SELECT COUNT(*) {_ENDED_ROOTS}", (first_id_at(before), before))
    return int(row[0]) if row else 0


def ended_trees(cx: Transaction, before: int, most: int) -> list[bytes]:
    """Up to `most` runs of the oldest trees that ended before a time; children come before parents."""
    roots = cx.execute(
        f"SELECT id {_ENDED_ROOTS} ORDER BY id LIMIT ?",
        (first_id_at(before), before, most),
    )
    found: list[bytes] = []
    for (root,) in roots:
        rows = cx.execute(_TREE, (root, before)).fetchall()
        if all(ended for _, ended in rows):
            found += sorted(
                (run_id for run_id, _ in rows), reverse=True
            )  # children are younger: they go first
        if len(found) >= most:
            break
    return found[:most]


def delete_rows_of(cx: Transaction, run_ids: Sequence[bytes], most: int) -> tuple[int, int]:
    """Remove up to `most` task runs and as many log lines of flow runs; how many each."""
    marks = ",".join("?" * len(run_ids))
    belongs = f"flow_run_id IN ({marks})"
    return _delete(cx, "task_run", belongs, run_ids, most), _delete(cx, "log", belongs, run_ids, most)


def delete_orphans(cx: Transaction, before: int, most: int) -> tuple[int, int]:
    """The same for the oldest rows, made before a time, that belong to no flow run (any more)."""
    orphan = "id < ? AND NOT EXISTS (SELECT 1 FROM flow_run r WHERE r.id = flow_run_id)"
    ended = f"{orphan} AND state_type IN {_TERMINAL}"
    values = (first_id_at(before),)
    return _delete(cx, "task_run", ended, values, most), _delete(cx, "log", orphan, values, most)


def _delete(cx: Transaction, table: str, where: str, values: Sequence[Any], most: int) -> int:
    some = f"SELECT id FROM {table} WHERE {where} LIMIT ?"  # noqa: S608
    return cx.execute(f"DELETE FROM {table} WHERE id IN ({some})", (*values, most)).rowcount  # noqa: S608

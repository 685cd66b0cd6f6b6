"""Who holds slots and who waits is read along indexes: limits that are not asked about cost nothing."""

from __future__ import annotations

from prefect._storage import limit_users
from prefect._storage.sqlite import SqliteStore

TABLES = ("s", "e", "concurrency_waiter", "concurrency_slot", "concurrency_lease")


class Explaining(SqliteStore):
    """Gives the plan of a query in place of its rows."""

    def rows(self, sql, parameters=()):
        self.plan = [row[3] for row in super().rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return []


def test_users_of_limits_are_searched_by_limit(tmp_path):
    store = Explaining(str(tmp_path / "store.db"))
    try:
        for read in (limit_users.holding, limit_users.waiting):
            read(store, [b"1", b"2"], 1, 5)
            assert any(step.startswith("SEARCH") and "limit_id=?" in step for step in store.plan)
            assert not [step for step in store.plan if step.startswith("SCAN") and step.split()[1] in TABLES]
    finally:
        store.close()

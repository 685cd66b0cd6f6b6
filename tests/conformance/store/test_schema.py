"""Both kinds of store are made of the same tables."""

from __future__ import annotations

import re

import pytest

from prefect._storage import migrate
from prefect._storage.opening import open_store

KINDS = {"bytea": "BLOB", "bigint": "INTEGER", "text": "TEXT", "double precision": "REAL"}


@pytest.fixture(scope="module")
def stores(postgres, tmp_path_factory):
    made = {
        "sqlite": open_store(f"sqlite:///{tmp_path_factory.mktemp('schema') / 'store.db'}"),
        "postgres": open_store(postgres.fresh()),
    }
    yield made
    for store in made.values():
        store.close()


def columns_of(store, kind, table):
    """Name, type, whether it may be NULL, and default of each column, in order."""
    if kind == "sqlite":
        found = store.rows(f"PRAGMA table_info({table})")
        return [(name, type_, not (strict or key), default) for _, name, type_, strict, default, key in found]
    found = store.rows(
        "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
        (table,),
    )
    return [
        (name, KINDS[type_], nullable == "YES", default and re.sub(r"::\w+$", "", default))
        for name, type_, nullable, default in found
    ]


def unique_of(store, kind, table):
    """The columns of each unique index, the primary key among them."""
    if kind == "sqlite":
        names = [row[1] for row in store.rows(f"PRAGMA index_list({table})") if row[2]]
        return sorted(tuple(row[2] for row in store.rows(f"PRAGMA index_info({name})")) for name in names)
    found = store.rows(
        "SELECT array_to_json(array_agg(a.attname ORDER BY k.n))::text FROM pg_index i "
        "CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
        "WHERE i.indisunique AND i.indrelid = ?::regclass GROUP BY i.indexrelid",
        (table,),
    )
    return sorted(tuple(re.findall(r'"(\w+)"', names)) for (names,) in found)


def indexes_of(store, kind):
    """The names of the indexes that migrations make."""
    if kind == "sqlite":
        sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    else:
        sql = (
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)"
        )
    return {name for (name,) in store.rows(sql)}


def test_the_steps_are_the_same():
    steps = [
        [(step.version, step.name) for step in migrate.migrations(kind)] for kind in ("sqlite", "postgres")
    ]
    assert steps[0] == steps[1]


def test_the_tables_are_the_same(stores):
    assert stores["sqlite"].tables() == stores["postgres"].tables()


@pytest.mark.parametrize("what", [columns_of, unique_of])
def test_the_columns_and_keys_are_the_same(stores, what):
    for table in stores["sqlite"].tables():
        seen = {kind: what(store, kind, table) for kind, store in stores.items()}
        assert seen["sqlite"] == seen["postgres"], table


def test_the_indexes_are_the_same(stores):
    assert indexes_of(stores["sqlite"], "sqlite") == indexes_of(stores["postgres"], "postgres")

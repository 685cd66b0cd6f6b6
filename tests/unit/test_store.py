"""The file of runs: opened under any spelling, brought up from any version, and refused in clear words."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from prefect._storage import flow_runs, migrate
from prefect._storage.opening import sqlite_path
from prefect._storage.sqlite import SqliteStore, explain
from prefect.exceptions import ConfigurationError, StoreError

VERSION_1 = Path(__file__).parent / "data" / "store_version_1.sql"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "folder" / "store.db")


def schema(path):
    """What the file is made of: tables with their columns, indexes with their statements."""
    with closing(sqlite3.connect(path)) as cx:
        tables = [name for (name,) in cx.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        indexes = cx.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        return (
            {name: [tuple(row)[1:] for row in cx.execute(f"PRAGMA table_info({name})")] for name in tables},
            dict(indexes.fetchall()),
        )


# --- opening ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////var/lib/p.db", "/var/lib/p.db"),
        ("sqlite:///relative/p.db", "relative/p.db"),
        ("sqlite+aiosqlite:////var/lib/p.db", "/var/lib/p.db"),
        ("sqlite+aiosqlite:////var/lib/p.db?timeout=60", "/var/lib/p.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite+aiosqlite:///:memory:", ":memory:"),
        ("sqlite://", ":memory:"),
        ("sqlite+aiosqlite://", ":memory:"),
        ("sqlite+aiosqlite:///file::memory:?cache=shared&uri=true", ":memory:"),
    ],
)
def test_the_spellings_of_a_database_url(url, expected):
    assert sqlite_path(url) == expected


@pytest.mark.parametrize("url", ["postgresql://host/db", "mysql:///x", "/a/path", "sqlite:/one-slash"])
def test_what_is_no_sqlite_url_is_refused(url):
    with pytest.raises(ConfigurationError, match="expected sqlite:///PATH"):
        sqlite_path(url)


def test_a_store_in_memory_holds_rows():
    with closing(SqliteStore(":memory:")) as store:
        with store.write() as cx:
            flow_runs.flow_id_of(cx, "a-flow", 1)
        assert store.rows("SELECT name FROM flow") == [("a-flow",)]


def test_the_folder_is_made_and_the_file_is_in_wal_mode(path):
    with closing(SqliteStore(path)) as store:
        assert store.rows("PRAGMA journal_mode") == [("wal",)]


# --- versions ---------------------------------------------------------------------------------------


def test_migrations_are_numbered_without_a_gap():
    assert [step.version for step in migrate.migrations()] == list(range(1, migrate.newest() + 1))


def test_a_file_of_version_1_is_brought_up_with_its_rows(path, tmp_path):
    """`data/store_version_1.sql` is such a file, dumped with a flow run, its states, a task run and a log line."""
    Path(path).parent.mkdir()
    with closing(sqlite3.connect(path)) as cx:
        cx.executescript(VERSION_1.read_text())
    fresh = str(tmp_path / "fresh.db")
    SqliteStore(fresh).close()
    with closing(SqliteStore(path)) as store:
        (run,) = flow_runs.find(store)
        assert (run.name, run.flow_name, run.state.name) == ("merry-otter", "etl", "Completed")
        assert json.loads(json.dumps(run.parameters)) == {"n": 3}
        assert [state.name for state in flow_runs.states(store, run.id)] == [
            "Pending",
            "Running",
            "Completed",
        ]
        assert [store.rows(f"SELECT COUNT(*) FROM {t}") for t in ("task_run", "log")] == [[(1,)], [(1,)]]
    assert schema(path) == schema(fresh)


def test_a_migration_that_fails_leaves_the_version_before(path, monkeypatch):
    broken = migrate.Migration(2, "broken", "CREATE TABLE half_done (x);\nCREATE TABLE flow (x);\n")
    monkeypatch.setattr(migrate, "migrations", lambda _: (_steps[0], broken))
    with pytest.raises(StoreError, match="already exists"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as cx:
        assert migrate.version_of(cx) == 1
        assert cx.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half_done'").fetchall() == []


_steps = migrate.migrations()


@pytest.mark.parametrize("migrate_on_start", [True, False])
def test_a_file_of_a_newer_version_is_refused_and_left_alone(path, migrate_on_start):
    with closing(SqliteStore(path)) as store, store.write() as cx:
        flow_runs.flow_id_of(cx, "precious", 1)
    with closing(sqlite3.connect(path)) as cx:
        cx.execute("PRAGMA user_version = 9999")
    with pytest.raises(StoreError, match="has schema version 9999.*upgrade pluperfect"):
        SqliteStore(path, migrate_on_start=migrate_on_start)
    with closing(sqlite3.connect(path)) as cx:
        assert cx.execute("SELECT name FROM flow").fetchall() == [("precious",)]
        assert migrate.version_of(cx) == 9999


# --- damage -----------------------------------------------------------------------------------------


def test_what_is_no_database_is_refused_and_left_alone(path):
    Path(path).parent.mkdir()
    Path(path).write_text("my shopping list, which is longer than a header of SQLite\n" * 40)
    before = Path(path).read_bytes()
    with pytest.raises(StoreError, match="is not a database.*Move it away"):
        SqliteStore(path)
    assert Path(path).read_bytes() == before


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="unable to open.*PREFECT_HOME"):
        SqliteStore(str(tmp_path))


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore(str(tmp_path / "file" / "store.db"))


def test_a_damaged_file_is_said_to_be_damaged(path):
    with closing(SqliteStore(path)) as store:
        with store.write() as cx:
            for n in range(2000):
                flow_runs.flow_id_of(cx, f"flow-{n}", n)
        store.vacuum()
    page = 4096
    with open(path, "r+b") as file:  # everything but the first pages
        size = file.seek(0, 2)
        file.seek(4 * page)
        file.write(b"\xa5" * (size - 4 * page))
    with pytest.raises(StoreError, match="damaged.*recover"), closing(SqliteStore(path)) as store:
        store.rows("SELECT COUNT(name) FROM flow WHERE name LIKE '%7'")


def test_an_error_that_is_not_known_is_told_as_it_is():
    error = explain(sqlite3.OperationalError("the moon is full"), "x.db")
    assert "The store x.db failed: the moon is full" in str(error)

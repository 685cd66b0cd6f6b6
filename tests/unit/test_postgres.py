"""The Postgres store before it is one: how its URL is spelled, and what is said of one that cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from settings_isolation import isolated_home  # noqa: F401 - the fixture `home`

from prefect._backend import resolve
from prefect._storage.opening import is_postgres, open_store
from prefect._storage.sql import for_postgres
from prefect.exceptions import ConfigurationError, StoreError
from prefect.settings import Settings, temporary_settings

pytest.importorskip("psycopg", reason="pip install 'psycopg[binary]'")

from prefect._storage.postgres import PostgresStore
from prefect._storage.postgres_url import libpq_url, shown_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:5433/db", "postgresql://u:p@h:5433/db"),
        ("postgres://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgresql+asyncpg://u:p%40@h/db", "postgresql://u:p%40@h/db"),
        ("postgresql+asyncpg://h/db?ssl=require", "postgresql://h/db?sslmode=require"),
        ("postgresql+asyncpg://h/db?ssl=true&command_timeout=60", "postgresql://h/db?sslmode=require"),
        ("postgresql+psycopg://h/db?sslmode=disable", "postgresql://h/db?sslmode=disable"),
        ("postgresql://h1,h2:5433/db?target_session_attrs=read-write", "postgresql://h1,h2:5433/db?target_session_attrs=read-write"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
    ],
)  # fmt: skip
def test_the_spellings_of_a_database_url(url, expected):
    assert is_postgres(url)
    assert libpq_url(url) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+asyncpg://me:secret@h:5433/db", "postgresql://me@h:5433/db"),
        (
            "postgresql://me:sec%40ret@h/db?password=secret&sslmode=require",
            "postgresql://me@h/db?sslmode=require",
        ),
        ("postgres://h/db", "postgresql://h/db"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert shown_url(url) == shown


def test_the_settings_in_parts_make_the_url(home, monkeypatch):
    parts = {
        "DRIVER": "postgresql+asyncpg",
        "HOST": "db",
        "PORT": "5433",
        "USER": "me",
        "NAME": "runs",
        "PASSWORD": "p@s",
    }
    for name, value in parts.items():
        monkeypatch.setenv(f"PREFECT_API_DATABASE_{name}", value)
    assert libpq_url(str(Settings().server.database.connection_url)) == "postgresql://me:p%40s@db:5433/runs"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t WHERE b = ? AND c IN (?,?)", b"SELECT a FROM t WHERE b = %s AND c IN (%s,%s)"),
        ("SELECT '?', \"?\", 'it''s ?' -- ?\n, ?", b"SELECT '?', \"?\", 'it''s ?' -- ?\n, %s"),
        ("SELECT /* ? % */ 5 % ? WHERE a LIKE '%x'", b"SELECT /* ? %% */ 5 %% %s WHERE a LIKE '%%x'"),
        ("a LIKE ? ESCAPE '\\' AND b = ?", b"a LIKE %s ESCAPE '\\' AND b = %s"),
    ],
)
def test_placeholders_are_translated_and_nothing_else(sql, expected):
    assert for_postgres(sql) == expected


def test_nobody_who_listens_is_waited_for_and_then_an_error(tmp_path):
    url = f"postgresql:///db?host={tmp_path}"
    with pytest.raises(StoreError, match=r"does not answer .*No such file.*Start it"):
        PostgresStore(url, patience_seconds=0.1)


def test_what_no_patience_mends_is_said_at_once(postgres):
    url = postgres.fresh()
    parts = urlsplit(url)
    with pytest.raises(StoreError, match=r"database \"none\" does not exist.*name another"):
        open_store(parts._replace(path="/none").geturl())
    with pytest.raises(StoreError, match=r"role \"nobody\" does not exist"):
        open_store(parts._replace(netloc="nobody:@").geturl())
    with pytest.raises(ConfigurationError, match="expected postgresql://user.*surprise"):
        open_store(f"{url}&surprise=1")


def test_a_store_of_a_newer_version_is_refused_and_left_alone(postgres):
    url = postgres.fresh()
    store = open_store(url)
    with store.write() as cx:
        cx.execute("UPDATE schema_version SET version = 9999")
    store.close()
    for migrate_on_start in (True, False):
        with pytest.raises(StoreError, match="has schema version 9999.*upgrade pluperfect"):
            open_store(url, migrate_on_start=migrate_on_start)


def test_the_tables_of_another_product_are_left_alone(postgres):
    import psycopg

    url = postgres.fresh()
    with psycopg.connect(url) as theirs:
        theirs.execute("CREATE TABLE flow (id INT); INSERT INTO flow VALUES (1)")
    store = open_store(url)
    assert store.rows("SELECT * FROM flow") == []
    store.erase()
    store.close()
    with psycopg.connect(url) as theirs:
        assert theirs.execute("SELECT * FROM flow").fetchall() == [(1,)]


def test_without_psycopg_it_says_what_to_install():
    program = """
import sys
sys.modules["psycopg"] = None
from prefect._storage.opening import open_store
from prefect.exceptions import ConfigurationError
try:
    open_store("postgresql://h/db")
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'pip install "pluperfect[postgres]"' in done.stdout


def test_a_flow_records_itself_under_the_url_that_people_have(postgres):
    from prefect import flow

    @flow
    def hello():
        return 1

    url = postgres.fresh().replace("postgresql://", "postgresql+asyncpg://")
    with temporary_settings({"PREFECT_API_DATABASE_CONNECTION_URL": url}):
        try:
            hello()
            assert [run.state.name for run in resolve.backend().find_flow_runs()] == ["Completed"]
        finally:
            resolve.close(url)

"""`prefect database` on Postgres: the same commands, and the way there from a SQLite file."""

from __future__ import annotations

import json

import pytest
from cli_runs import Workshop, made, prefect

from prefect._backend import resolve
from prefect._backend.resolve import backend
from prefect._storage import migrate
from prefect._storage.opening import open_store
from prefect.settings import temporary_settings


@pytest.fixture(scope="module")
def server(postgres):
    return postgres


@pytest.fixture
def url(server):
    """The store of this test, in which there are no tables yet."""
    url = server.fresh()
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
        yield url
        resolve.close(url)


def runs():
    return len(backend().find_flow_runs(limit=None))


def test_without_a_store_there_is_nothing_to_see(url):
    for words in (["stats"], ["prune"]):
        said = prefect("database", *words, code=1).stderr
        assert "There is no store at postgresql://postgres@/test_" in said


def test_what_it_holds(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Workshop(tmp_path).run("etl", 2)
    resolve.close()
    shown = json.loads(prefect("database", "stats", "-o", "json").stdout)
    assert (shown["rows"]["flow_run"], shown["rows"]["task_run"], shown["rows"]["log"]) == (1, 4, 4)
    assert shown["database"].startswith("PostgreSQL 16")
    assert shown["schema_version"] == migrate.newest()
    assert shown["bytes"] > 8192
    assert "got a Postgres database" in prefect("database", "stats", "--check", code=1).stderr


def test_it_is_made_and_emptied(url):
    assert prefect("database", "upgrade", "--dry-run").stdout.count("Would apply") == len(
        migrate.migrations()
    )
    assert f"is at schema version {migrate.newest()}" in prefect("database", "upgrade", "-y").stdout
    made("COMPLETED")
    assert runs() == 1
    assert "is empty" in prefect("database", "reset", "--yes").stdout
    assert runs() == 0


def test_it_is_pruned(url):
    made("COMPLETED")
    assert "Deleted 1 flow runs" in prefect("database", "prune", "--older-than", "0", "-y", "--vacuum").stdout
    assert runs() == 0


class TestCopy:
    @pytest.fixture
    def file(self, tmp_path):
        """A SQLite store with a run."""
        file = f"sqlite:///{tmp_path / 'file.db'}"
        with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": file}):
            made("COMPLETED")
            resolve.close()
        return file

    def test_there_and_back(self, url, file, tmp_path):
        said = prefect("server", "database", "copy", "--from", file, "--to", url).stdout
        assert "rows to postgresql://postgres@/test_" in said
        assert any(line.split() == ["flow_run", "1"] for line in said.splitlines())
        assert runs() == 1
        resolve.close()
        back = f"sqlite:///{tmp_path / 'back.db'}"
        prefect("database", "copy", "--to", back)
        store = open_store(back)
        assert store.rows("SELECT COUNT(*) FROM flow_run") == [(1,)]
        store.close()

    def test_what_is_there_is_replaced_only_by_order(self, url, file):
        made("FAILED")
        resolve.close()
        copy = ("database", "copy", "--from", file, "--to", url)
        assert "is not empty" in prefect(*copy, code=1).stderr
        assert "Aborted" in prefect(*copy, "--replace", code=1, typed="n\n").stderr
        prefect(*copy, "--replace", "--yes")
        assert [run.state.type for run in backend().find_flow_runs()] == ["COMPLETED"]

    def test_what_cannot_be_copied(self, url, file, tmp_path):
        assert "got" in prefect("database", "copy", "--from", file, "--to", file, code=1).stderr
        nowhere = f"sqlite:///{tmp_path / 'nowhere.db'}"
        assert (
            "There is no store" in prefect("database", "copy", "--from", nowhere, "--to", url, code=1).stderr
        )
        assert "in memory" in prefect("database", "copy", "--from", file, "--to", "sqlite://", code=1).stderr

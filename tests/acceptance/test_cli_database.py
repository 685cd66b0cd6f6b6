"""`prefect database`: the file, its size, its version, and what is thrown away."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from cli_runs import Workshop, made, prefect

from prefect._backend import resolve
from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._storage import migrate
from prefect.settings import temporary_settings

DAY = 86_400_000_000


@pytest.fixture(autouse=True)
def path(tmp_path):
    """The store of this test: its file, which is not there yet."""
    file = tmp_path / "home" / "store.db"
    url = f"sqlite:///{file}"
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
        yield file
        resolve.close(url)


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workshop(tmp_path)


def let_go():
    """As if the process that ran the flows had ended."""
    resolve.close()


def age(run, days):
    then = now_us() - days * DAY
    old_id = (then // 1000).to_bytes(6, "big") + run.id[6:]
    with backend().store.write() as cx:
        cx.execute("UPDATE flow_run SET id = ?, state_timestamp = ? WHERE id = ?", (old_id, then, run.id))


def runs():
    return len(backend().find_flow_runs(limit=None))


@pytest.mark.parametrize("words", [["stats"], ["prune"]])
def test_without_a_store_there_is_nothing_to_see(path, words):
    assert f"There is no store at {path} yet" in prefect("database", *words, code=1).stderr
    assert not path.exists()


class TestStats:
    def test_what_it_holds(self, work, path):
        work.run("etl", 2)
        let_go()
        shown = json.loads(prefect("database", "stats", "-o", "json").stdout)
        assert shown["store"] == str(path)
        assert shown["bytes"] == path.stat().st_size
        assert (shown["rows"]["flow_run"], shown["rows"]["task_run"], shown["rows"]["log"]) == (1, 4, 4)
        assert shown["schema_version"] == shown["newest_schema_version"] == migrate.newest()
        assert shown["database"] == f"SQLite {sqlite3.sqlite_version}"
        assert shown["oldest_run"] == shown["newest_run"]
        assert shown["bytes_per_task_run"] > 100

    def test_for_people(self, work, path):
        work.run("etl", 2)
        lines = prefect("database", "stats").stdout.splitlines()
        assert lines[0] == f"Store         {path}"
        assert any(line.split() == ["task_run", "4"] for line in lines)
        assert any(
            "runs 90 days after their end, 10.7 GB at most; 0 flow runs are older" in line for line in lines
        )

    def test_what_retention_would_delete(self):
        age(made("COMPLETED"), 100)
        made("COMPLETED")
        shown = json.loads(prefect("database", "stats", "-o", "json").stdout)
        assert shown["retention"] == {"days": 90, "max_bytes": 10 * 1024**3, "flow_runs_due": 1}

    def test_a_check_of_a_sound_file(self):
        made("COMPLETED")
        assert "Check         sound" in prefect("database", "stats", "--check").stdout
        assert json.loads(prefect("database", "stats", "--check", "-o", "json").stdout)["problems"] == []

    def test_a_check_of_a_damaged_file(self, path):
        made("COMPLETED")
        let_go()
        with closing(sqlite3.connect(path)) as cx:
            cx.execute("PRAGMA writable_schema = 1")
            cx.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'flow_run_by_flow'")
            cx.commit()
        result = prefect("database", "stats", "--check", code=1)
        assert "The file is damaged" in result.stderr

    def test_under_its_other_name(self):
        made("COMPLETED")
        assert prefect("server", "database", "stats").stdout == prefect("database", "stats").stdout


class TestUpgrade:
    def test_a_new_file(self, path):
        said = prefect("database", "upgrade", "--dry-run").stdout
        assert said.count("Would apply") == migrate.newest()
        assert not path.exists()
        assert f"is at schema version {migrate.newest()}" in prefect("database", "upgrade", "-y").stdout
        assert prefect("database", "upgrade", "--dry-run").stdout == ""

    def test_it_asks(self, path):
        assert "Aborted" in prefect("database", "upgrade", code=1, typed="n\n").stderr

    def test_only_forward_to_the_newest(self):
        assert "Expected --revision head" in prefect("database", "upgrade", "-r", "-1", code=1).stderr

    def test_a_file_of_a_newer_version(self, path):
        made("COMPLETED")
        let_go()
        with closing(sqlite3.connect(path)) as cx:
            cx.execute("PRAGMA user_version = 77")
        for words in (["database", "upgrade", "-y"], ["flow-run", "ls"], ["database", "prune"]):
            result = prefect(*words, code=1)
            assert "schema version 77" in result.stderr
            assert len(result.stderr.splitlines()) == 1
        shown = prefect("database", "stats").stdout
        assert f"version 77 (this package's is {migrate.newest()})" in shown


class TestPrune:
    def test_what_is_older_than_the_setting(self):
        age(made("COMPLETED"), 91)
        age(made("FAILED"), 89)
        assert "Deleted 1 flow runs, 0 task runs and 0 log lines." in prefect("database", "prune").stdout
        assert runs() == 1

    def test_what_is_older_than_told(self):
        age(made("COMPLETED"), 3)
        made("COMPLETED")
        assert "Aborted" in prefect("database", "prune", "--older-than", "2", code=1, typed="n\n").stderr
        assert runs() == 2
        assert "Deleted 1 flow runs" in prefect("database", "prune", "--older-than", "2", typed="y\n").stdout
        assert runs() == 1

    def test_the_file_gets_smaller_only_by_vacuum(self, work, path):
        work.run("etl", 300)
        let_go()
        size = path.stat().st_size
        said = prefect("database", "prune", "--older-than", "0", "--yes").stdout
        assert "Their space is used for new rows" in said
        assert path.stat().st_size >= size
        assert "The store has" in prefect("database", "prune", "--vacuum").stdout
        assert path.stat().st_size < size


class TestReset:
    def test_it_makes_an_empty_store(self, work):
        work.run("etl", 1)
        let_go()
        assert "is empty" in prefect("database", "reset", "--yes").stdout
        assert runs() == 0

    def test_it_asks(self, work):
        made("COMPLETED")
        let_go()
        assert "Add --yes" in prefect("database", "reset", code=1).stderr
        assert "Aborted" in prefect("database", "reset", code=1, typed="n\n").stderr
        assert runs() == 1

    def test_a_store_that_is_in_use_is_left_alone(self, work, path):
        process = work.start("waits", PREFECT_SERVER_DATABASE_CONNECTION_URL=f"sqlite:///{path}")
        try:
            assert f"in use by pid {process.pid}" in prefect("database", "reset", "--yes", code=1).stderr
            assert runs() == 1
        finally:
            process.kill()
            process.communicate()
        let_go()
        prefect("database", "reset", "--yes")
        assert runs() == 0

    def test_a_file_that_is_no_store_any_more(self, path):
        path.parent.mkdir()
        path.write_text("no database, but long enough to be taken for one at first sight\n" * 50)
        assert "is not a database" in prefect("flow-run", "ls", code=1).stderr
        prefect("database", "reset", "--yes")
        assert runs() == 0


def test_a_store_in_memory_has_no_file():
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite:///:memory:"}):
        assert "in memory" in prefect("database", "stats", code=1).stderr


def test_a_process_of_its_own_answers_the_same(path):
    made("COMPLETED")
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "database", "stats", "-o", "json"],
        env={**os.environ, "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite:///{path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["rows"]["flow_run"] == 1

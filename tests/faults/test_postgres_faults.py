"""What becomes of a store whose Postgres goes away: nothing is lost, nothing is done twice, and what fails says why."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from faults.severed import Wire
from prefect._storage import flow_runs
from prefect._storage.postgres import PostgresStore
from prefect.exceptions import StoreError

PROGRAM = Path(__file__).parent / "programs" / "counted.py"


@pytest.fixture(scope="module")
def url(postgres):
    return postgres.fresh()


@pytest.fixture
def store(url):
    with closing(PostgresStore(url)) as store:
        with store.write() as cx:
            cx.execute("DELETE FROM meta")
            cx.execute("INSERT INTO meta (key, value) VALUES (?,?)", ("count", "0"))
        yield store


def cut_everybody_off(url):
    """End every connection but this one; they learn of it when they next speak."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def add_one(cx):
    cx.execute("UPDATE meta SET value = (CAST(value AS BIGINT) + 1) WHERE key = ?", ("count",))


def counted(store):
    return int(store.row("SELECT value FROM meta WHERE key = ?", ("count",))[0])


# --- the connection is lost -------------------------------------------------------------------------


class TestLostConnections:
    def test_between_two_transactions(self, store, url):
        cut_everybody_off(url)
        with store.write() as cx:
            add_one(cx)
        assert counted(store) == 1

    def test_before_a_read(self, store, url):
        assert counted(store) == 0
        cut_everybody_off(url)
        assert counted(store) == 0

    def test_in_a_transaction_which_is_said_again(self, store, url):
        with store.write() as cx:
            add_one(cx)
            assert cx.row("SELECT value FROM meta WHERE key = ?", ("count",)) == ("1",)
            cut_everybody_off(url)
            add_one(cx)
            cut_everybody_off(url)
        assert counted(store) == 2

    def test_in_a_batch(self, store, url):
        rows = [(f"row-{n}", "x") for n in range(50)]
        with store.write() as cx:
            cx.insert_many("INSERT INTO meta (key, value)", "ON CONFLICT (key) DO NOTHING", rows[:25], 2)
            cut_everybody_off(url)
            cx.insert_many("INSERT INTO meta (key, value)", "ON CONFLICT (key) DO NOTHING", rows, 2)
        assert store.row("SELECT COUNT(*) FROM meta WHERE key LIKE 'row-%'") == (50,)

    def test_in_a_transaction_whose_ground_has_changed_meanwhile(self, store, url):
        with pytest.raises(StoreError, match="has changed meanwhile"), store.write() as cx:
            add_one(cx)
            assert cx.row("SELECT value FROM meta WHERE key = ?", ("count",)) == ("1",)
            cut_everybody_off(url)
            with psycopg.connect(url) as other:
                other.execute("UPDATE pluperfect.meta SET value = '41' WHERE key = 'count'")
            add_one(cx)
        assert counted(store) == 41
        with store.write() as cx:
            add_one(cx)
        assert counted(store) == 42

    def test_leadership_goes_to_another(self, store, url):
        with closing(PostgresStore(url)) as other:
            assert (store.leads("x"), other.leads("x")) == (True, False)
            cut_everybody_off(url)
            assert other.leads("x") is False  # its own connection is lost too: it cannot tell
            assert other.leads("x") is True
            assert store.leads("x") is False

    def test_a_listener_is_woken_to_look_for_itself(self, store, url):
        with closing(store.listen("work")) as listener:
            cut_everybody_off(url)
            store.notify("work", "perhaps unheard")
            assert listener.wait(20) in {"", "perhaps unheard"}
            store.notify("work", "heard")
            while (heard := listener.wait(20)) == "":
                pass
            assert heard == "heard"


# --- nobody answers the COMMIT ----------------------------------------------------------------------


class TestUnansweredCommits:
    @pytest.fixture
    def wire(self, url):
        with closing(Wire(url)) as wire:
            yield wire

    @pytest.mark.parametrize("cut", ["unheard", "unanswered"])
    def test_it_is_done_once(self, store, wire, cut):
        with closing(PostgresStore(wire.url)) as cut_off:
            for _ in range(3):
                wire.cut = cut
                with cut_off.write() as cx:
                    add_one(cx)
            assert counted(cut_off) == counted(store) == wire.cuts == 3

    @pytest.mark.parametrize("others", [0, 1])
    def test_a_number_that_a_crash_has_freed_is_not_taken_for_ones_own(self, store, wire, postgres, others):
        """The crash forgets a transaction that was on no disk yet; its number is the next one's, or nobody's yet."""

        def crash_and_have_others_commit():
            postgres.crash()
            postgres.start()
            for _ in range(others):
                add(store)

        with closing(PostgresStore(wire.url)) as cut_off:
            add(cut_off)
            wire.meanwhile = crash_and_have_others_commit
            wire.cut = "unheard"
            add(cut_off)
        assert counted(store) == 2 + others

    def test_who_holds_rows_and_is_gone_is_ended(self, store, wire):
        """The database does not know that its client is gone; its lock would stop everybody."""
        with closing(PostgresStore(wire.url)) as cut_off:
            wire.cut = "unheard"
            with cut_off.write() as cx:
                row = cx.row(f"SELECT value FROM meta WHERE key = ?{cx.for_update('meta')}", ("count",))
                cx.execute("UPDATE meta SET value = ? WHERE key = ?", (str(int(row[0]) + 1), "count"))
            with store.write() as cx:
                add_one(cx)
        assert counted(store) == 2


def test_who_stops_in_a_transaction_is_in_nobodys_way(url):
    """A process that is stopped (SIGSTOP, a laptop that sleeps) keeps its locks, and its connection seems to live."""
    with (
        closing(PostgresStore(url, statement_seconds=1)) as stopped,
        closing(PostgresStore(url, statement_seconds=1)) as other,
    ):
        with other.write() as cx:
            cx.execute("DELETE FROM meta")
            cx.execute("INSERT INTO meta (key, value) VALUES (?,?)", ("count", "0"))
        with stopped.write() as cx:
            add_one(cx)
            add(other)  # needs what the other one has locked
            add_one(cx)  # which goes on: nothing that it was told has changed
        assert counted(other) == 3


# --- two that are in each other's way ---------------------------------------------------------------


def test_a_deadlock_is_nobodys_error(store, url):
    """Each holds a row and wants the other's. One is begun again, as if it had come later."""
    with store.write() as cx:
        cx.insert_many("INSERT INTO meta (key, value)", "", [("left", "0"), ("right", "0")], 2)
    barrier = threading.Barrier(2)

    def both(first, second):
        change = "UPDATE meta SET value = (CAST(value AS BIGINT) + 1) WHERE key = ?"
        with closing(PostgresStore(url)) as own, own.write() as cx:
            cx.execute(change, (first,))
            barrier.wait(20)
            cx.execute(change, (second,))

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(both, "left", "right"), threads.submit(both, "right", "left")]:
            future.result(60)
    assert store.rows("SELECT value FROM meta WHERE key IN ('left', 'right')") == [("2",), ("2",)]


# --- the database is away ---------------------------------------------------------------------------


class TestOutages:
    def test_one_that_is_short_is_not_noticed(self, store, postgres):
        with store.write() as cx:
            add_one(cx)
            postgres.crash()
            with ThreadPoolExecutor(1) as thread:
                again = thread.submit(add_one, cx)
                postgres.start()
                again.result(60)
        assert counted(store) == 2

    def test_one_that_is_long_is_an_error_that_says_so(self, url, postgres):
        with closing(PostgresStore(url, patience_seconds=0.3)) as store:
            before = counted(store)
            postgres.crash()
            try:
                for attempt in (lambda: counted(store), lambda: add(store)):
                    with pytest.raises(StoreError, match=r"does not answer .*Start it"):
                        attempt()
                with pytest.raises(StoreError, match="does not answer"):
                    PostgresStore(url, patience_seconds=0.1)
                assert store.leads("x") is False
            finally:
                postgres.start()
            add(store)
            assert counted(store) == before + 1

    def test_a_restart_in_good_order(self, store, postgres):
        for _ in range(2):
            add(store)
            postgres.restart()
        assert counted(store) == 2


def add(store):
    with store.write() as cx:
        add_one(cx)


# --- under a program --------------------------------------------------------------------------------


def start(url, tmp_path, *words):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        env={**inherited, "PREFECT_HOME": str(tmp_path), "PREFECT_API_DATABASE_CONNECTION_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_record(url, flows, tasks):
    """Every flow run, task run, state and line of log is there once."""
    with closing(PostgresStore(url)) as store:
        runs = flow_runs.find(store)
        assert [run.state.name for run in runs] == ["Completed"] * flows
        assert sorted(run.parameters["number"] for run in runs) == list(range(flows))
        for run in runs:
            assert [s.name for s in flow_runs.states(store, run.id)] == ["Pending", "Running", "Completed"]
        found = store.rows("SELECT flow_run_id, state_name FROM task_run")
        assert Counter(found) == Counter({(run.id, "Completed"): tasks for run in runs})
        lines = store.rows("SELECT message, task_run_id FROM log WHERE message LIKE 'step %'")
        assert len(lines) == len(set(lines)) == flows * tasks
        assert store.rows("SELECT id FROM process") == []


def test_postgres_goes_down_and_comes_back_under_a_program(postgres, tmp_path):
    url = postgres.fresh()
    with start(url, tmp_path, "24", "40") as process:
        for line in process.stdout:
            number = int(line.split()[1])
            if number % 6 == 1:
                postgres.crash()
                postgres.start()
            elif number % 6 == 4:
                postgres.restart()
        err = process.stderr.read()
    assert process.returncode == 0, err
    check_record(url, 24, 40)


def test_everybody_is_cut_off_again_and_again_under_a_program(postgres, tmp_path):
    url = postgres.fresh()
    with start(url, tmp_path, "30", "20") as process:
        for _ in process.stdout:
            cut_everybody_off(url)
        err = process.stderr.read()
    assert process.returncode == 0, err
    check_record(url, 30, 20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_and_its_parent_both_go_on(postgres, tmp_path):
    url = postgres.fresh()
    with start(url, tmp_path, "fork") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err.count("Traceback") == err.count("ResourceWarning") == 0, err
    check_record(url, 4, 3)


def test_a_run_whose_process_was_killed_is_crashed_and_goes_on(postgres, tmp_path):
    """`kill -9` in the middle; another process sees it and executes the run again in place."""
    from prefect.testing._victim import Victim

    url = postgres.fresh()
    notes = tmp_path / "notes"
    notes.touch()
    variables = {"NOTES": str(notes), "PREFECT_API_DATABASE_CONNECTION_URL": url}
    victim = Victim([str(PROGRAM.parent / "pipeline.py")], tmp_path, variables)
    end = victim.run({"PLUPERFECT_FAULTPOINT": "task_run.finished:9"})
    assert end.code == -9, end.said
    with closing(PostgresStore(url)) as store:
        (root,) = [run for run in flow_runs.find(store) if run.parent_flow_run_id is None]
        assert root.state.type == "RUNNING"
        before = notes.read_text().splitlines()
        end = victim.retry(root.id)
        assert end.code == 0, end.said
        (root,) = [run for run in flow_runs.find(store) if run.parent_flow_run_id is None]
        names = [state.name for state in flow_runs.states(store, root.id)]
        assert names[2] == "Crashed"
        assert names[-1] == "Completed", UUID(bytes=root.id)
    kept = {line.removeprefix("kept ") for line in before if line.startswith("kept ")}
    ran_again = {line.removeprefix("ran ") for line in notes.read_text().splitlines()[len(before) :]}
    assert not kept & ran_again

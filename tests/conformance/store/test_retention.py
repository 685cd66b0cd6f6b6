"""Old runs are forgotten, whole trees at once, in slices; nothing else is."""

from __future__ import annotations

import threading

import pytest

from conformance.store.rows import DAY, count, flow_run, log_line, task_run
from prefect import flow, task
from prefect._backend import resolve, retention
from prefect._backend.retention import Policy, Pruned, Retention, prune, prune_slice
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._storage import logs, meta, task_runs
from prefect.settings import temporary_settings

MONTH = Policy(days=30, max_bytes=0)


def used_bytes(store):
    """Asked twice: Postgres counts what was written lately when it is asked, and then knows."""
    for _ in range(2):
        with store.write() as cx:
            used = cx.used_bytes()
    return used


def ids(store):
    return {row[0] for row in store.rows("SELECT id FROM flow_run")}


def test_runs_that_ended_longer_ago_go_with_all_their_rows(store):
    with store.write() as cx:
        flow_run(cx, age_days=31, task_count=3, log_count=2)
        kept = flow_run(cx, age_days=29, task_count=3, log_count=2)
    assert prune(store, MONTH) == Pruned(1, 3, 2)
    assert ids(store) == {kept.id}
    assert [count(store, t) for t in ("task_run", "log", "flow_run_state")] == [3, 2, 1]


@pytest.mark.parametrize("state_type", ["RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING"])
def test_a_run_that_has_not_ended_stays_however_old(store, state_type):
    with store.write() as cx:
        flow_run(cx, age_days=400, state_type=state_type, task_count=1)
    assert prune(store, MONTH) == Pruned()
    assert count(store, "task_run") == 1


@pytest.mark.parametrize("state_type", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_every_way_to_end_counts(store, state_type):
    with store.write() as cx:
        flow_run(cx, age_days=31, state_type=state_type)
    assert prune(store, MONTH).flow_runs == 1


def test_an_old_run_that_was_retried_lately_stays(store):
    with store.write() as cx:
        run = flow_run(cx, age_days=31)
        cx.execute("UPDATE flow_run SET state_timestamp = ? WHERE id = ?", (now_us() - DAY, run.id))
    assert prune(store, MONTH) == Pruned()


def test_a_tree_goes_as_a_whole_or_not_at_all(store):
    with store.write() as cx:
        gone = flow_run(cx, age_days=40)
        flow_run(cx, age_days=39, parent=gone, task_count=1)
        alive = flow_run(cx, age_days=40)
        child = flow_run(cx, age_days=39, parent=alive)
        grandchild = flow_run(cx, age_days=38, parent=child, state_type="RUNNING")
    assert prune(store, MONTH).flow_runs == 2
    assert ids(store) == {alive.id, child.id, grandchild.id}


def test_a_child_whose_parent_is_gone_is_a_root(store):
    with store.write() as cx:
        parent = flow_run(cx, age_days=40)
        flow_run(cx, age_days=39, parent=parent)
        cx.execute("DELETE FROM flow_run WHERE id = ?", (parent.id,))
    assert prune(store, MONTH).flow_runs == 1


def test_old_rows_of_no_flow_run_go_too_unless_they_are_running(store):
    then = now_us() - 31 * DAY
    with store.write() as cx:
        rows = [task_run(None, then), task_run(None, then, "RUNNING"), task_run(None, now_us())]
        task_runs.upsert(cx, rows)
        logs.insert(cx, [log_line(None, then), log_line(b"x" * 16, then), log_line(None, now_us())])
    assert prune(store, MONTH) == Pruned(0, 1, 2)
    assert count(store, "task_run") == 2
    assert count(store, "log") == 1


@pytest.mark.usefixtures("new_url")
def test_the_oldest_go_while_the_store_is_too_large(store):
    empty = used_bytes(store)
    with store.write() as cx:
        runs = [flow_run(cx, age_days=n, task_count=400) for n in range(20, 0, -1)]
    most = empty + (used_bytes(store) - empty) // 2
    slices = retention.FLOW_RUNS, retention.ROWS
    retention.FLOW_RUNS, retention.ROWS = 2, 1000
    try:
        prune(store, Policy(days=0, max_bytes=most))
    finally:
        retention.FLOW_RUNS, retention.ROWS = slices
    left = ids(store)
    assert 5 <= len(left) < 15
    assert left == {run.id for run in runs[-len(left) :]}
    assert used_bytes(store) <= most


def test_zero_means_for_ever_and_without_limit(store):
    with store.write() as cx:
        flow_run(cx, age_days=4000)
    assert prune(store, Policy(days=0, max_bytes=0)) == Pruned()


def test_a_slice_is_small_and_a_run_goes_last(store, monkeypatch):
    monkeypatch.setattr(retention, "ROWS", 10)
    with store.write() as cx:
        flow_run(cx, age_days=31, task_count=25)
    assert prune_slice(store, MONTH) == Pruned(0, 10, 0)
    assert prune_slice(store, MONTH) == Pruned(0, 10, 0)
    assert prune_slice(store, MONTH) == Pruned(1, 5, 0)
    assert prune_slice(store, MONTH) == Pruned()


def test_many_runs_take_several_slices(store, monkeypatch):
    monkeypatch.setattr(retention, "FLOW_RUNS", 3)
    with store.write() as cx:
        root = flow_run(cx, age_days=32)
        for _ in range(4):
            flow_run(cx, age_days=31, parent=root)
    assert [prune_slice(store, MONTH).flow_runs for _ in range(3)] == [3, 2, 0]


def test_a_given_time_overrules_the_policy(store):
    with store.write() as cx:
        flow_run(cx, age_days=2)
    assert prune(store, Policy(days=90, max_bytes=0), before=now_us() - DAY).flow_runs == 1


class TestHourly:
    def test_it_looks_once_an_hour_whoever_does_it(self, store):
        with use_clock(VirtualClock()) as clock:
            first, second = (Retention(store, MONTH, lambda: True) for _ in range(2))
            first.tick()
            with store.write() as cx:
                flow_run(cx, age_days=31)
            for keeper in (first, second):
                keeper.tick()
            assert count(store, "flow_run") == 1
            clock.advance(3601)
            second.tick()
            assert count(store, "flow_run") == 0

    def test_an_idle_process_leaves_it(self, store):
        with store.write() as cx:
            flow_run(cx, age_days=31)
        Retention(store, MONTH, lambda: False).tick()
        assert count(store, "flow_run") == 1
        assert meta.read(store, retention.DUE) is None

    def test_what_a_process_leaves_unfinished_another_takes_over(self, store, monkeypatch):
        monkeypatch.setattr(retention, "FLOW_RUNS", 1)
        with store.write() as cx:
            for _ in range(3):
                flow_run(cx, age_days=31)
        with use_clock(VirtualClock()) as clock:
            dying, next_one = (Retention(store, MONTH, lambda: True) for _ in range(2))
            dying.tick()
            next_one.tick()
            assert count(store, "flow_run") == 2
            clock.advance(61)
            while next_one.seconds_to_next() is not None or count(store, "flow_run"):
                clock.advance(61)
                next_one.tick()
            assert count(store, "flow_run") == 0

    def test_a_process_that_runs_flows_prunes(self, url, monkeypatch):
        with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
            store = resolve.backend().store
            with store.write() as cx:
                flow_run(cx, age_days=91, task_count=2)
            pruned = threading.Event()
            seen = meta.write

            @task
            def wait_for_it():
                assert pruned.wait(20)

            @flow
            def busy():
                wait_for_it()

            def noticed(cx, key, value):
                seen(cx, key, value)
                if not cx.execute("SELECT 1 FROM task_run WHERE name = 'a-task-1'").fetchall():
                    pruned.set()

            monkeypatch.setattr(meta, "write", noticed)
            try:
                busy()
            finally:
                resolve.close(url)

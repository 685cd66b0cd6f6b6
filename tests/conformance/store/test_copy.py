"""A store copied to another one, of the same kind or of the other: all of it or nothing."""

from __future__ import annotations

import pytest

from conformance.store.rows import count, flow_run, log_line, task_run
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import copy, logs, meta, task_runs
from prefect._storage.copy import copy_store
from prefect._storage.opening import open_store
from prefect._storage.variables import VARIABLES, VariableRecord
from prefect.exceptions import StoreError


@pytest.fixture
def source(store):
    """A store of each kind, with rows of many shapes."""
    with store.write() as cx:
        run = flow_run(cx, task_count=300, log_count=20)
        flow_run(cx, parent=run, state_type="RUNNING")
        cx.execute("UPDATE flow_run SET result = ?, state_data = NULL", (bytes(range(256)),))
        odd = 'a\ttab, a\nline, a \\ and \\N, "quotes", 雪 🎈'
        logs.insert(cx, [log_line(None, now_us())._replace(message=odd)])
        task_runs.upsert(cx, [task_run(None, now_us())])
        VARIABLES.insert(cx, VariableRecord(new_id(), "v", {"a": [1, None, "\x00"]}, ["t"], 1, 2**62))
        meta.write(cx, "own", "value")
    return store


@pytest.fixture(params=["to-sqlite", "to-postgres"])
def target(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'target.db'}"
    if request.param == "to-postgres":
        url = request.getfixturevalue("postgres").fresh()
    store = open_store(url)
    yield store
    store.close()


def everything(store):
    return {table: sorted(store.rows(f"SELECT * FROM {table}"), key=repr) for table in store.tables()}


def test_all_rows_are_there(source, target, monkeypatch):
    monkeypatch.setattr(copy, "BATCH", 64)
    seen = []
    counts = copy_store(source, target, progress=lambda *said: seen.append(said))
    assert everything(target) == everything(source)
    assert (counts["task_run"], counts["flow_run"], counts["work_pool"]) == (301, 2, 0)
    assert [said for said in seen if said[0] == "task_run"] == [
        ("task_run", done, 301) for done in (64, 128, 192, 256, 301)
    ]


def test_a_store_that_has_rows_is_refused_unless_told(source, target):
    with target.write() as cx:
        meta.write(cx, "own", "of the target")
    with target.write() as cx:
        flow_run(cx)
    before = everything(target)
    with pytest.raises(StoreError, match="is not empty: flow has 1 rows.*--replace"):
        copy_store(source, target)
    assert everything(target) == before
    copy_store(source, target, replace=True)
    assert everything(target) == everything(source)


def test_one_that_breaks_off_leaves_nothing(source, target):
    def stop(table, done, total):
        if table == "task_run":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        copy_store(source, target, progress=stop)
    assert {table: count(target, table) for table in target.tables() if count(target, table)} == {}
    assert count(source, "task_run") == 301
    copy_store(source, target)
    assert everything(target) == everything(source)


def test_stores_of_different_versions_are_refused(source, tmp_path):
    bare = open_store(f"sqlite:///{tmp_path / 'bare.db'}", any_version=True)
    with pytest.raises(StoreError, match="of version 0.*prefect database upgrade"):
        copy_store(source, bare)
    bare.close()

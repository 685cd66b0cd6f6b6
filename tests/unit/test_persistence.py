"""Persisted results and the cache in the engine (behaviours 53 to 59): what is on record, and what goes wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conformance.forms import Async, Form, Sync
from prefect import flow, task
from prefect._backend import journal
from prefect._backend.resolve import backend
from prefect._engine import run as engine
from prefect.cache_policies import INPUTS, NO_CACHE
from prefect.context import TaskRunContext
from prefect.exceptions import MissingResult
from prefect.locking.memory import MemoryLockManager
from prefect.model.records import TaskRunRecord
from prefect.model.results import ResultRecordMetadata
from prefect.results import read_stored
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, PREFECT_TASKS_DISABLE_CACHING, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect.transactions import IsolationLevel, transaction


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A store and a result folder of this test alone."""
    with prefect_test_harness(), temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield tmp_path / "results"


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def form(request: pytest.FixtureRequest) -> Form:
    """Bodies as functions, and as coroutine functions."""
    return request.param


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def row_of(state: Any) -> TaskRunRecord:
    journal.commit()
    return backend().read_task_run(state.state_details.task_run_id.bytes)


def detail_of(state: Any) -> dict[str, Any]:
    return json.loads(row_of(state).detail or "{}")


def counting(form: Form, **options: Any) -> tuple[Any, list[Any]]:
    ran: list[Any] = []

    @task(**options)
    @form
    def work(x: Any = 0):
        ran.append(x)
        return {"x": x}

    return work, ran


# --- what is on record --------------------------------------------------------------------------------


def test_the_row_says_where_the_result_is(form: Form, folder: Path):
    work, _ = counting(form, persist_result=True, cache_expiration=timedelta(hours=1))
    state = form.run(work, 1, return_state=True)
    detail = detail_of(state)
    (file,) = files(folder)
    assert detail["data"]["storage_key"] == str(file)
    assert detail["cache_key"] == file.name
    assert detail["cache_expiration"] > row_of(state).created
    assert read_stored(ResultRecordMetadata.model_validate(detail["data"])) == {"x": 1}


def test_a_hit_points_to_the_first_result(form: Form):
    work, ran = counting(form, cache_policy=INPUTS)
    first, second = (form.run(work, 1, return_state=True) for _ in range(2))
    assert (first.name, second.name) == ("Completed", "Cached")
    assert detail_of(first)["data"] == detail_of(second)["data"]
    assert ran == [1]


def test_a_hit_runs_the_completion_hooks_and_no_commit_hook(form: Form):
    notes: list[str] = []
    work, _ = counting(form, cache_policy=INPUTS, on_completion=[lambda *_: notes.append("completed")])
    work.on_commit(lambda _: notes.append("committed"))
    form.run(work, 1)
    form.run(work, 1)
    assert notes == ["committed", "completed", "completed"]


def test_without_a_key_the_result_is_kept_and_never_found(form: Form, folder: Path):
    work, ran = counting(form, persist_result=True, cache_policy=NO_CACHE)
    states = [form.run(work, 1, return_state=True) for _ in range(2)]
    assert ran == [1, 1]
    assert len(files(folder)) == 2
    assert "cache_key" not in detail_of(states[0])


def test_a_failure_is_kept_under_a_key_of_its_own(form: Form, folder: Path):
    @task(result_storage_key="mine")
    @form
    def fails():
        raise ValueError("x")

    state = form.run(fails, return_state=True)
    (file,) = files(folder)
    assert file.name != "mine"
    kept = read_stored(ResultRecordMetadata.model_validate(detail_of(state)["data"]))
    assert repr(kept) == "ValueError('x')"


def test_a_flow_result_is_the_bare_blob(form: Form, folder: Path):
    @flow(persist_result=True, result_serializer="json")
    @form
    def parent():
        return {"a": 1}

    state = form.run(parent, return_state=True)
    journal.commit()
    (file,) = files(folder)
    assert json.loads(file.read_bytes()) == {"a": 1}
    recorded = backend().read_flow_run(state.state_details.flow_run_id.bytes).state
    assert recorded.data is not None
    assert recorded.data["storage_key"] == str(file)
    assert recorded.data["serializer"]["type"] == "json"


def test_the_exception_of_a_failed_flow_is_kept(form: Form, folder: Path):
    @flow(persist_result=True)
    @form
    def parent():
        raise ValueError("x")

    state = form.run(parent, return_state=True)
    recorded = backend().read_flow_run(state.state_details.flow_run_id.bytes).state
    kept = read_stored(ResultRecordMetadata.model_validate(recorded.data))
    assert repr(kept) == "ValueError('x')"


def test_a_result_that_is_not_kept_in_memory_is_read_from_its_file(form: Form, folder: Path):
    work, _ = counting(form, persist_result=True, cache_result_in_memory=False)
    state = form.run(work, 1, return_state=True)
    assert form.run(state.result) == {"x": 1}
    files(folder)[0].unlink()
    with pytest.raises(MissingResult):
        form.run(state.result)


def test_a_result_that_waits_for_a_commit_is_there_for_its_caller(form: Form, folder: Path):
    work, _ = counting(form, persist_result=True, cache_result_in_memory=False)

    @flow
    @form
    def parent():
        with transaction():
            value = yield work(1)
            assert files(folder) == []
        return value

    assert form.run(parent) == {"x": 1}
    assert len(files(folder)) == 1


# --- keys ---------------------------------------------------------------------------------------------


def test_a_template_that_does_not_fit_fails_the_task(form: Form):
    work, ran = counting(form, result_storage_key="{parameters[nothing]}")
    state = form.run(work, 1, return_state=True)
    assert state.is_failed()
    assert "KeyError" in state.message
    assert ran == []


def test_a_key_function_that_raises_is_told_and_the_task_runs(form: Form, caplog: pytest.LogCaptureFixture):
    work, ran = counting(form, cache_key_fn=lambda context, parameters: 1 / 0)
    assert form.run(work, 1) == {"x": 1}
    assert ran == [1]
    assert "division by zero" in caplog.text


def test_caching_may_be_switched_off_as_a_whole(form: Form, folder: Path):
    work, ran = counting(form, cache_policy=INPUTS)
    form.run(work, 1)
    with temporary_settings({PREFECT_TASKS_DISABLE_CACHING: True}):
        form.run(work, 1)
    form.run(work, 1)
    assert ran == [1, 1]
    assert len(files(folder)) == 2


# --- what cannot be read or written -------------------------------------------------------------------


class Gone:
    """A class that is deleted while a result of it is on disk."""


@pytest.mark.parametrize("damage", ["truncated", "other", "class gone"])
def test_an_entry_that_cannot_be_read_is_a_miss_and_told(
    form: Form, folder: Path, damage: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    ran: list[int] = []

    @task(cache_policy=INPUTS, cache_result_in_memory=False)
    @form
    def work(x: int):
        ran.append(x)
        return Gone() if len(ran) == 1 else "again"

    form.run(work, 1)
    (file,) = files(folder)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-20])
    elif damage == "other":
        file.write_bytes(b"\x00 what is this")
    else:
        monkeypatch.delattr(sys.modules[__name__], "Gone")
    states = [form.run(work, 1, return_state=True) for _ in range(2)]
    assert [state.name for state in states] == ["Completed", "Cached"]
    assert ran == [1, 1]
    assert caplog.text.count("cannot be read, the task runs") == 1


def test_a_result_that_cannot_be_written_leaves_no_trace(
    form: Form, folder: Path, caplog: pytest.LogCaptureFixture
):
    folder.write_text("a file where the folder should be")
    work, _ = counting(form, persist_result=True)
    state = form.run(work, 1, return_state=True)
    assert state.name == "Completed"
    assert form.run(state.result) == {"x": 1}
    assert "data" not in detail_of(state)
    assert "could not be persisted" in caplog.text


# --- attempts -----------------------------------------------------------------------------------------


def test_only_the_attempt_that_succeeds_is_kept(form: Form, folder: Path):
    ran: list[int] = []

    @task(cache_policy=INPUTS, retries=1)
    @form
    def flaky(x: int):
        ran.append(x)
        if len(ran) == 1:
            raise ValueError
        return x

    assert [form.run(flaky, 1), form.run(flaky, 1)] == [1, 1]
    assert ran == [1, 1]
    assert len(files(folder)) == 1


def test_a_flow_retry_takes_persisted_results_and_reruns_the_others(form: Form):
    kept, kept_ran = counting(form, persist_result=True)
    plain, plain_ran = counting(form)
    attempts: list[int] = []

    @flow(retries=1)
    @form
    def parent():
        yield kept(1)
        yield plain(1)
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return 1

    assert form.run(parent) == 1
    assert (kept_ran, plain_ran) == ([1], [1, 1])


def test_a_rolled_back_result_is_neither_cached_nor_recorded(form: Form, folder: Path):
    work, ran = counting(form, cache_policy=INPUTS)
    states: list[Any] = []

    @flow
    @form
    def parent():
        with transaction():
            states.append((yield work(1, return_state=True)))
            raise ValueError

    form.run(parent, return_state=True)
    assert files(folder) == []
    row = row_of(states[0])
    assert (row.state_name, row.result) == ("RolledBack", None)
    assert "data" not in json.loads(row.detail or "{}")
    form.run(work, 1)
    assert ran == [1, 1]


def test_serializable_runs_compute_a_key_once(form: Form):
    policy = INPUTS.configure(isolation_level=IsolationLevel.SERIALIZABLE, lock_manager=MemoryLockManager())
    keys: list[str] = []

    @task(cache_policy=policy)
    @form
    def work(x: int):
        context = TaskRunContext.get()
        key = context.own_transaction().key
        keys.append(key)
        assert context.result_store.is_locked(key)
        return x

    @flow
    @form
    def parent():
        futures = [work.submit(1) for _ in range(4)]
        return [future.result() for future in futures]

    assert form.run(parent) == [1, 1, 1, 1]
    assert len(keys) == 1


def test_serializable_without_locks_fails_the_task(form: Form):
    work, ran = counting(form, cache_policy=INPUTS.configure(isolation_level="SERIALIZABLE"))
    state = form.run(work, 1, return_state=True)
    assert "Isolation level SERIALIZABLE is not supported by provided configuration" in state.message
    assert ran == []


# --- durability ---------------------------------------------------------------------------------------

PROGRAM = """
import os
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

@task(persist_result=True, cache_policy=NO_CACHE)
def durable(x):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{x}\\n")
    return {"x": x}

@flow
def parent():
    return [durable(x) for x in range(3)]
"""


def loaded(path: Path) -> Any:
    """The module of that file, as a process of its own would import it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


START = "import sys; sys.path.insert(0, sys.argv[1]); import durable_program; durable_program.parent()"


@pytest.mark.parametrize(
    ("place", "ran"),
    [
        ("task_run.before_result_write", ["0", "1", "1", "2"]),
        ("task_run.after_result_write", ["0", "1", "1", "2"]),
        ("task_run.finished", ["0", "1", "2"]),
    ],
)
def test_a_durable_task_that_returned_never_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, ran: list[str]
):
    notes = tmp_path / "notes"
    (tmp_path / "durable_program.py").write_text(PROGRAM)
    monkeypatch.setenv("NOTES", str(notes))
    results = {
        "PREFECT_LOCAL_STORAGE_PATH": str(tmp_path / "results"),
        "PREFECT_RESULTS_RECORD_MAX_BYTES": "0",
    }
    died = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        env={**os.environ, **results, "PLUPERFECT_FAULTPOINT": f"{place}:2"},
        check=False,
        capture_output=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    program = loaded(tmp_path / "durable_program.py")
    (run,) = backend().find_flow_runs(flow_names=["parent"])
    with temporary_settings({"PREFECT_RESULTS_RECORD_MAX_BYTES": 0}):
        call = engine.resume(program.parent, run.id, {})
        assert engine.run_flow_call(call) == [{"x": 0}, {"x": 1}, {"x": 2}]
    assert notes.read_text().split() == ran


SAGA = """
import os
from prefect import flow, task
from prefect._backend import journal
from prefect.transactions import transaction

def note(text):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{text}\\n")

@task
def book():
    note("booked")

@book.on_rollback
def cancel(txn):
    note("cancelled")

@task
def pay():
    if "DIE" in os.environ:
        journal.commit()
        os._exit(9)
    raise ValueError("no money")

@flow
def parent():
    with transaction():
        book()
        pay()
"""


def test_what_a_killed_process_had_done_in_a_transaction_is_rolled_back_by_its_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    notes = tmp_path / "notes"
    (tmp_path / "durable_program.py").write_text(SAGA)
    monkeypatch.setenv("NOTES", str(notes))
    died = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        env={**os.environ, "DIE": "yes"},
        check=False,
        capture_output=True,
    )
    assert died.returncode == 9, died.stderr.decode()
    program = loaded(tmp_path / "durable_program.py")
    (run,) = backend().find_flow_runs(flow_names=["parent"])
    with pytest.raises(ValueError, match="no money"):
        engine.run_flow_call(engine.resume(program.parent, run.id, {}))
    assert notes.read_text().split() == ["booked", "cancelled"]
    journal.commit()
    (booked,) = [
        row for row in backend().find_task_runs(flow_run_ids=(run.id,)) if row.name.startswith("book")
    ]
    assert [state.name for state in backend().read_task_run_states(booked.id)][-2:] == [
        "Completed",
        "RolledBack",
    ]

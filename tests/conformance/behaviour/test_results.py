"""Which results are persisted, where, and what is read back (behaviours 58 and 59)."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.exceptions import MissingResult
from prefect.filesystems import LocalFileSystem
from prefect.results import should_persist_result
from prefect.settings import PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings
from prefect.states import Completed


def stored(folder: Path) -> list[str]:
    """The names of the results in that folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- persist_result ---------------------------------------------------------------------------------


@pytest.mark.behaviour(58)
def test_the_state_of_an_unpersisted_run_has_the_result_in_this_process(form: Form, result_folder: Path):
    @task
    @form
    def work():
        return {"a": 1}

    @flow
    @form
    def parent():
        state = yield work(return_state=True)
        return (yield state.result())

    state = form.run(parent, return_state=True)
    assert form.run(state.result) == {"a": 1}
    assert stored(result_folder) == []


@pytest.mark.behaviour(58)
def test_a_state_without_data_has_no_result():
    with pytest.raises(
        MissingResult,
        match=r"^State data is missing\. Typically, this occurs when result persistence is disabled",
    ):
        Completed().result()


@pytest.mark.behaviour(58)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_a_persisted_result_is_written_once(form: Form, decorator: Any, result_folder: Path):
    @decorator(persist_result=True)
    @form
    def work():
        return 1

    assert form.run(work) == 1
    assert len(stored(result_folder)) == 1


@pytest.mark.behaviour(58)
def test_tasks_and_subflows_inherit_the_choice_of_their_flow(form: Form, result_folder: Path):
    @task
    @form
    def work():
        return should_persist_result()

    @flow
    @form
    def child():
        return should_persist_result(), (yield work())

    @flow
    @form
    def parent():
        return should_persist_result(), (yield work()), (yield child())

    assert form.run(parent) == (False, False, (False, False))
    assert stored(result_folder) == []
    assert form.run(parent.with_options(persist_result=True)) == (True, True, (True, True))
    assert len(stored(result_folder)) == 4


@pytest.mark.behaviour(58)
def test_the_choice_of_a_task_beats_that_of_its_flow(form: Form):
    @task(persist_result=False)
    @form
    def forgets():
        return should_persist_result()

    @task(persist_result=True)
    @form
    def keeps():
        return should_persist_result()

    @flow
    @form
    def parent():
        return (yield forgets()), (yield keeps())

    assert form.run(parent.with_options(persist_result=True)) == (False, True)
    assert form.run(parent.with_options(persist_result=False)) == (False, True)


@pytest.mark.behaviour(58)
@pytest.mark.usefixtures("result_folder")
def test_the_setting_decides_where_nobody_else_does(form: Form):
    @task
    @form
    def work():
        return should_persist_result()

    @flow
    @form
    def parent():
        return should_persist_result(), (yield work())

    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        assert form.run(parent) == (True, True)
        assert form.run(parent.with_options(persist_result=False)) == (False, False)


@pytest.mark.behaviour(58)
def test_retries_do_not_make_results_persist(form: Form, result_folder: Path):
    @task(retries=3)
    @form
    def work():
        return should_persist_result()

    @flow(retries=3)
    @form
    def parent():
        return should_persist_result(), (yield work())

    assert form.run(parent) == (False, False)
    assert stored(result_folder) == []


# --- keys -------------------------------------------------------------------------------------------


@pytest.mark.behaviour(59)
def test_the_storage_key_is_a_template_over_parameters_and_runs(form: Form, result_folder: Path):
    @task(result_storage_key="{flow_run.flow_name}-{task_run.name}-{parameters[x]}.out", task_run_name="run")
    @form
    def work(x: int):
        return x

    @flow(name="Fl")
    @form
    def parent():
        return (yield work(3))

    assert form.run(parent) == 3
    assert stored(result_folder) == ["Fl-run-3.out"]


@pytest.mark.behaviour(59)
def test_a_result_under_a_fixed_key_is_found_again(form: Form, result_folder: Path):
    ran = []

    @task(result_storage_key="fixed")
    @form
    def work():
        ran.append(1)
        return len(ran)

    assert [form.run(work), form.run(work)] == [1, 1]
    assert stored(result_folder) == ["fixed"]


@pytest.mark.behaviour(59)
def test_a_failure_does_not_take_the_storage_key(form: Form, result_folder: Path):
    ran = []

    @task(result_storage_key="fixed")
    @form
    def work():
        ran.append(1)
        if len(ran) == 1:
            raise ValueError("x")
        return "good"

    assert form.run(work, return_state=True).is_failed()
    assert "fixed" not in stored(result_folder)
    assert form.run(work) == "good"
    assert "fixed" in stored(result_folder)


# --- what cannot be stored --------------------------------------------------------------------------


@pytest.mark.behaviour(59)
@pytest.mark.usefixtures("result_folder")
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_a_result_that_cannot_be_serialized_only_warns(
    form: Form, decorator: Any, caplog: pytest.LogCaptureFixture
):
    lock = threading.Lock()

    @decorator(persist_result=True)
    @form
    def work():
        return lock

    state = form.run(work, return_state=True)
    assert state.name == "Completed"
    assert form.run(state.result) is lock
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("lock" in message for message in warnings)


@pytest.mark.behaviour(59)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_an_unsaved_block_is_refused_at_definition(decorator: Any, tmp_path: Path):
    with pytest.raises(TypeError, match="^Result storage configuration must be persisted server-side"):

        @decorator(result_storage=LocalFileSystem(basepath=str(tmp_path)))
        def work():
            pass


# --- faults of the original -------------------------------------------------------------------------


@pytest.mark.behaviour(58)
@pytest.mark.mends_the_original
def test_every_task_run_is_on_record_when_its_flow_has_ended():
    @task
    def work(x: int):
        return x

    @flow
    def parent():
        work.map(range(100)).wait()
        for x in range(100):
            work(x)

    run_id = parent(return_state=True).state_details.flow_run_id
    runs = observe.task_runs_of(run_id)
    assert [run.state_name for run in runs] == ["Completed"] * 200

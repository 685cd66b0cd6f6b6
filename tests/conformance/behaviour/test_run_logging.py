"""The loggers of runs, and prints that become log lines (behaviours 62 and 63)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, get_run_logger, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.settings import PREFECT_LOGGING_LOG_PRINTS, temporary_settings


def lines(caplog: pytest.LogCaptureFixture, message: str) -> list[logging.LogRecord]:
    """The records with that message."""
    return [record for record in caplog.records if record.getMessage() == message]


# --- get_run_logger ---------------------------------------------------------------------------------


@pytest.mark.behaviour(62)
def test_there_is_no_run_logger_outside_a_run():
    with pytest.raises(MissingContextError) as caught:
        get_run_logger()
    assert str(caught.value) == "There is no active flow or task run context."
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.behaviour(62)
def test_records_of_a_flow_run_name_it(form: Form, caplog: pytest.LogCaptureFixture):
    @flow(name="My Flow")
    @form
    def parent():
        get_run_logger().info("from the flow")
        run = FlowRunContext.get().flow_run
        return str(run.id), run.name

    run_id, run_name = form.run(parent)
    (record,) = lines(caplog, "from the flow")
    assert record.name == "prefect.flow_runs"
    assert record.levelname == "INFO"
    assert (record.flow_run_id, record.flow_run_name, record.flow_name) == (run_id, run_name, "My Flow")


@pytest.mark.behaviour(62)
def test_records_of_a_task_run_name_it_and_its_flow_run(form: Form, caplog: pytest.LogCaptureFixture):
    @task(name="My Task")
    @form
    def work():
        get_run_logger().warning("from the task")
        run = TaskRunContext.get().task_run
        return str(run.id), run.name

    @flow(name="My Flow")
    @form
    def parent():
        return str(FlowRunContext.get().flow_run.id), FlowRunContext.get().flow_run.name, (yield work())

    flow_run_id, flow_run_name, (run_id, run_name) = form.run(parent)
    (record,) = lines(caplog, "from the task")
    assert record.name == "prefect.task_runs"
    assert (record.task_run_id, record.task_run_name, record.task_name) == (run_id, run_name, "My Task")
    assert (record.flow_run_id, record.flow_run_name, record.flow_name) == (
        flow_run_id,
        flow_run_name,
        "My Flow",
    )


@pytest.mark.behaviour(62)
def test_a_task_outside_a_flow_has_a_run_logger(form: Form, caplog: pytest.LogCaptureFixture):
    @task
    @form
    def work():
        get_run_logger().info("alone")

    form.run(work)
    (record,) = lines(caplog, "alone")
    assert record.name == "prefect.task_runs"
    assert record.task_name == "work"


@pytest.mark.behaviour(62)
def test_what_is_logged_is_on_record(form: Form):
    @task
    @form
    def work():
        get_run_logger().warning("from the %s", "task")

    @flow
    @form
    def parent():
        get_run_logger().info("before")
        yield work()
        get_run_logger().error("after")

    run_id = form.run(parent, return_state=True).state_details.flow_run_id
    own = [line for line in observe.logs_of(run_id) if line[1] in {"before", "from the task", "after"}]
    assert own == [(logging.INFO, "before"), (logging.WARNING, "from the task"), (logging.ERROR, "after")]


@pytest.mark.behaviour(62)
def test_what_a_failing_run_logged_last_is_on_record(form: Form):
    @flow
    @form
    def parent():
        get_run_logger().info("last words")
        raise ValueError("x")

    run_id = form.run(parent, return_state=True).state_details.flow_run_id
    assert (logging.INFO, "last words") in observe.logs_of(run_id)


# --- log_prints -------------------------------------------------------------------------------------


def printers(form: Form, of_task: bool | None, of_flow: bool | None) -> Any:
    """A flow that prints `flow` and calls a task that prints `task`, each with its own choice."""

    @task(log_prints=of_task)
    @form
    def work():
        print("task")

    @flow(log_prints=of_flow)
    @form
    def parent():
        print("flow")
        yield work()

    return parent


@pytest.mark.behaviour(63)
@pytest.mark.parametrize(
    ("of_task", "of_flow", "logged"),
    [
        (None, None, set()),
        (None, True, {"flow", "task"}),
        (False, True, {"flow"}),
        (True, None, {"task"}),
        (True, False, {"task"}),
    ],
)
def test_prints_are_logged_by_own_choice_or_else_by_the_parents(
    form: Form,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    of_task: bool | None,
    of_flow: bool | None,
    logged: set[str],
):
    form.run(printers(form, of_task, of_flow))
    printed = {"flow", "task"}.intersection(capsys.readouterr().out.splitlines())
    assert {word for word in ("flow", "task") if lines(caplog, word)} == logged
    assert printed == {"flow", "task"} - logged


@pytest.mark.behaviour(63)
def test_a_subflow_inherits_the_choice_of_its_parent(form: Form, caplog: pytest.LogCaptureFixture):
    @flow(log_prints=True)
    @form
    def grandparent():
        yield printers(form, None, None)()

    form.run(grandparent)
    assert lines(caplog, "flow")
    assert lines(caplog, "task")


@pytest.mark.behaviour(63)
def test_the_setting_decides_where_nobody_else_does(form: Form, caplog: pytest.LogCaptureFixture):
    with temporary_settings({PREFECT_LOGGING_LOG_PRINTS: True}):
        form.run(printers(form, None, None))
        form.run(printers(form, False, False))
    assert len(lines(caplog, "flow")) == len(lines(caplog, "task")) == 1


@pytest.mark.behaviour(63)
def test_submitted_tasks_log_their_prints(form: Form, caplog: pytest.LogCaptureFixture):
    @task
    @form
    def work():
        print("task")

    @flow(log_prints=True)
    @form
    def parent():
        work.submit().wait()

    form.run(parent)
    (record,) = lines(caplog, "task")
    assert record.name == "prefect.task_runs"


@pytest.mark.behaviour(63)
def test_records_show_the_file_and_the_function_that_printed(form: Form, caplog: pytest.LogCaptureFixture):
    @flow(log_prints=True)
    @form
    def parent():
        print("a", "b", sep="-")

    form.run(parent)
    (record,) = lines(caplog, "a-b")
    assert record.levelno == logging.INFO
    assert record.pathname == __file__
    assert record.funcName == "parent"


@pytest.mark.behaviour(63)
def test_print_is_itself_again_afterwards(form: Form, capsys: pytest.CaptureFixture[str]):
    form.run(printers(form, True, True))
    capsys.readouterr()
    print("outside")
    assert capsys.readouterr().out == "outside\n"

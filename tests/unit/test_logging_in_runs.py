"""What real flows leave on the console and on record."""

from __future__ import annotations

import logging
from uuid import UUID

import pytest

import prefect
from prefect import flow, get_run_logger, task
from prefect._backend import resolve
from prefect.logging.configuration import setup_logging
from prefect.settings import temporary_settings


@pytest.fixture(autouse=True)
def default_logging():
    setup_logging(incremental=False)


def logs_of(state):
    """The lines on record for a flow run, as (logger, task run id, message)."""
    run_id = state.state_details.flow_run_id
    return [
        (line.name, line.task_run_id, line.message)
        for line in resolve.backend().find_logs(flow_run_id=run_id.bytes)
    ]


def messages_of(state):
    return [message for _, _, message in logs_of(state)]


def test_the_lines_of_a_flow_and_of_its_tasks_are_on_record_when_it_ends():
    @task
    def load(number):
        get_run_logger().info("loading %s", number)

    @flow
    def etl():
        get_run_logger().info("in the flow")
        load(1)
        load.submit(2).wait()

    state = etl(return_state=True)
    found = logs_of(state)
    texts = [message for _, _, message in found]
    assert texts.index("in the flow") < texts.index("loading 1") < texts.index("loading 2")
    assert {name for name, task_run_id, _ in found if task_run_id is None} == {"prefect.flow_runs"}
    assert len({task_run_id for name, task_run_id, _ in found if name == "prefect.task_runs"}) == 2
    assert texts[-1] == "Finished in state Completed()"


def test_a_flow_that_fails_in_its_first_line_leaves_its_traceback(capsys):
    @flow
    def etl():
        raise ValueError("at once")

    state = etl(return_state=True)
    (text,) = [message for message in messages_of(state) if "Traceback" in message]
    assert text.endswith("ValueError: at once")
    engine = str(prefect.__path__[0])
    error = capsys.readouterr().err
    assert 'raise ValueError("at once")' in error
    assert engine not in error
    assert engine in text


@pytest.mark.behaviour(45)
@pytest.mark.parametrize("retries", [0, 1])
def test_exhausted_retries_are_said_only_where_there_were_any(retries):
    @task(retries=retries)
    def load():
        raise ValueError("no")

    @flow
    def etl():
        load(return_state=True)

    assert any("Retries are exhausted" in text for text in messages_of(etl(return_state=True))) == bool(
        retries
    )


@pytest.mark.behaviour(63)
@pytest.mark.parametrize(
    ("of_flow", "of_task", "logged"), [(True, None, True), (True, False, False), (None, True, True)]
)
def test_a_task_logs_its_prints_as_it_says_or_as_the_flow_does(of_flow, of_task, logged, capsys):
    @task(log_prints=of_task)
    def load():
        print("said")

    @flow(log_prints=of_flow)
    def etl():
        load()

    state = etl(return_state=True)
    assert ("said" in messages_of(state)) == logged
    assert (capsys.readouterr().out == "said\n") != logged


@pytest.mark.behaviour(63)
def test_the_setting_logs_prints_where_nobody_says_otherwise(capsys):
    @flow
    def etl():
        print("said")

    with temporary_settings({"PREFECT_LOGGING_LOG_PRINTS": True}):
        assert "said" in messages_of(etl(return_state=True))
    assert capsys.readouterr().out == ""


@pytest.mark.behaviour(62)
async def test_an_asynchronous_flow_logs_for_itself(caplog):
    @task
    async def load():
        get_run_logger().info("in the task")

    @flow
    async def etl():
        get_run_logger().info("in the flow")
        await load()

    state = await etl(return_state=True)
    assert {"in the flow", "in the task"} <= set(messages_of(state))
    (record,) = [record for record in caplog.records if record.getMessage() == "in the task"]
    assert UUID(record.flow_run_id) == state.state_details.flow_run_id


def test_a_library_s_logger_belongs_to_the_run_if_asked_for():
    @task
    def load():
        logging.getLogger("some.library").warning("from the library")

    @flow
    def etl():
        load()

    with temporary_settings({"PREFECT_LOGGING_EXTRA_LOGGERS": "some"}):
        setup_logging(incremental=False)
        found = logs_of(etl(return_state=True))
    setup_logging(incremental=False)
    ((name, task_run_id, _),) = [line for line in found if line[2] == "from the library"]
    assert name == "some.library"
    assert task_run_id is not None

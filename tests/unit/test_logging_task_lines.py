"""The line that a task run ends with: the same whether a record is made for it or not."""

from __future__ import annotations

import contextlib
import logging

import pytest
from logging_runs import a_store, flow_run, some_records, task_run  # noqa: F401 - fixtures among them

from prefect import flow, task
from prefect._backend import resolve
from prefect.logging import get_run_logger
from prefect.logging._task_lines import show_task_line
from prefect.logging.configuration import setup_logging


@contextlib.contextmanager
def no_handlers_of_pytest_s():
    """As in a script: pytest puts handlers of its own on the root logger when a test begins."""
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], []
    try:
        yield
    finally:
        root.handlers[:] = before


def show(message="Finished in state Completed()"):
    with flow_run("calm-otter"), task_run("load-a1b"):
        show_task_line(message, "load-a1b", get_run_logger)


def said(capsys):
    """The lines on stderr, without their time."""
    return [line.partition(" | ")[2] for line in capsys.readouterr().err.splitlines()]


def test_the_line_is_the_same_with_and_without_a_record(store, capsys, monkeypatch):
    show("100% Completed()")  # pytest listens
    with no_handlers_of_pytest_s():
        monkeypatch.setattr(logging.Logger, "makeRecord", None)
        show("100% Completed()")
        monkeypatch.undo()
    assert said(capsys) == ["INFO    | Task run 'load-a1b' - 100% Completed()"] * 2


def test_below_the_level_it_is_nothing(store, capsys):
    logging.getLogger("prefect.task_runs").setLevel(logging.WARNING)
    with no_handlers_of_pytest_s():
        show()
    assert said(capsys) == []


@pytest.mark.parametrize("listener", ["filter", "root", "factory", "package"])
def test_whoever_listens_gets_a_record(store, listener):
    seen = []

    def listen(record):
        seen.append("heard")
        return True

    logger, package = logging.getLogger("prefect.task_runs"), logging.getLogger("prefect")
    factory = logging.getLogRecordFactory()
    handler = logging.Handler()
    handler.emit = listen
    with no_handlers_of_pytest_s():
        if listener == "filter":
            logger.addFilter(listen)
        elif listener == "factory":
            logging.setLogRecordFactory(
                lambda *args, **kwargs: seen.append("heard") or factory(*args, **kwargs)
            )
        else:
            (package if listener == "package" else logging.getLogger()).addHandler(handler)
        try:
            show()
        finally:
            logger.removeFilter(listen)
            package.removeHandler(handler)
            logging.setLogRecordFactory(factory)
    assert seen == ["heard"]


def test_it_follows_a_format_of_the_user_s_own(store, capsys, monkeypatch):
    monkeypatch.setenv(
        "PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT", "%(threadName)s | %(task_name)s %(message)s"
    )
    setup_logging(incremental=False)
    with no_handlers_of_pytest_s():
        show("Completed()")
    assert said(capsys) == ["load Completed()"]


def test_each_task_run_says_how_it_ended_and_its_record_says_it_once(capsys):
    @task
    def load(number):
        if number:
            raise ValueError("no")

    @flow
    def etl():
        load(0)
        load(1, return_state=True)

    setup_logging(incremental=False)
    state = etl(return_state=True)
    ends = [line.partition(" - ")[2] for line in said(capsys) if "Finished in state" in line]
    assert ends == [
        "Finished in state Completed()",
        "Finished in state Failed('Task run encountered an exception ValueError: no')",
        "Finished in state Completed()",
    ]
    stored = resolve.backend().find_logs(flow_run_id=state.state_details.flow_run_id.bytes)
    assert [line.message for line in stored if "Finished" in line.message] == ends[1:]

"""Loggers of runs: behaviour 62, and the rest of prefect.logging.loggers."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from uuid import UUID

import pytest
from logging_runs import a_store, flow_run, lines_of, some_records, task_run  # noqa: F401 - fixtures among them

from prefect.exceptions import MissingContextError
from prefect.logging import LogEavesdropper, disable_run_logger, get_logger, get_run_logger
from prefect.logging.loggers import PrefectLogAdapter, disable_logger, flow_run_logger, task_run_logger


@pytest.mark.behaviour(62)
def test_get_run_logger_outside_of_a_run_is_an_error():
    with pytest.raises(MissingContextError, match="There is no active flow or task run context.") as caught:
        get_run_logger()
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.behaviour(62)
def test_in_a_flow_run_the_record_names_the_flow_run(store, records):
    with flow_run("calm-otter", "etl") as run:
        get_run_logger().info("hello %s", "you")
    record = records[-1]
    assert (record.name, record.levelno, record.getMessage()) == (
        "prefect.flow_runs",
        logging.INFO,
        "hello you",
    )
    assert (record.flow_run_id, record.flow_run_name, record.flow_name) == (
        str(UUID(bytes=run.id)),
        "calm-otter",
        "etl",
    )
    assert record.funcName == "test_in_a_flow_run_the_record_names_the_flow_run"


@pytest.mark.behaviour(62)
def test_in_a_task_run_the_record_names_the_task_run_and_its_flow_run(store, records):
    with flow_run("calm-otter", "etl") as run, task_run("load-a1b", "load") as task:
        get_run_logger(batch=7).warning("careful", extra={"file": "a.csv"})
    record = records[-1]
    assert record.name == "prefect.task_runs"
    assert (record.task_run_id, record.task_run_name, record.task_name) == (
        str(UUID(bytes=task.id)),
        "load-a1b",
        "load",
    )
    assert (record.flow_run_id, record.flow_run_name, record.flow_name) == (
        str(UUID(bytes=run.id)),
        "calm-otter",
        "etl",
    )
    assert (record.batch, record.file) == (7, "a.csv")


def test_a_task_run_outside_of_a_flow_has_a_logger_too(store, records):
    with task_run("load", "load") as task:
        get_run_logger().info("alone")
    assert records[-1].flow_run_id is None
    assert [line.message for line in lines_of(store, task)] == ["alone"]


def test_get_run_logger_takes_a_context_and_nothing_else():
    from prefect.context import FlowRunContext

    with flow_run("calm-otter"):
        context = FlowRunContext.get()
    assert get_run_logger(context).extra["flow_run_name"] == "calm-otter"
    with pytest.raises(TypeError, match="expected a FlowRunContext, a TaskRunContext or None, got int"):
        get_run_logger(3)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        (None, "prefect"),
        ("", "prefect"),
        ("a.b", "prefect.a.b"),
        ("prefect.a", "prefect.a"),
        ("prefectly", "prefect.prefectly"),
    ],
)
def test_get_logger_is_the_package_s_logger_or_one_below(name, full):
    assert get_logger(name).name == full


def test_flow_run_logger_needs_only_an_id():
    logger = flow_run_logger(flow_run_id=UUID(int=7), origin="hook")
    assert logger.extra == {
        "flow_run_id": str(UUID(int=7)),
        "flow_run_name": "<unknown>",
        "flow_name": "<unknown>",
        "origin": "hook",
    }
    with pytest.raises(ValueError, match="expected flow_run or flow_run_id, got neither"):
        flow_run_logger()


def test_task_run_logger_finds_the_flow_run_it_is_called_in(store):
    with flow_run("calm-otter", "etl") as run:
        ours = SimpleNamespace(id=UUID(int=3), name="load-1", flow_run_id=UUID(bytes=run.id))
        other = SimpleNamespace(id=UUID(int=3), name="load-1", flow_run_id=UUID(int=9))
        assert task_run_logger(ours, SimpleNamespace(name="load")).extra["flow_run_name"] == "calm-otter"
        assert task_run_logger(other).extra["flow_run_name"] == "<unknown>"
        assert task_run_logger(other, flow_run=SimpleNamespace(name="x")).extra["flow_run_name"] == "x"


def test_the_adapter_merges_the_fields_of_a_call_and_of_children():
    adapter = PrefectLogAdapter(logging.getLogger("z"), {"a": 1})
    assert adapter.process("m", {"extra": {"a": 2, "b": 3}}) == ("m", {"extra": {"a": 2, "b": 3}})
    assert adapter.process("m", {}) == ("m", {"extra": {"a": 1}})
    child = adapter.getChild("q", {"c": 1})
    assert (child.name, child.extra) == ("z.q", {"a": 1, "c": 1})


def test_disable_run_logger_silences_runs_and_works_outside_of_them(store, records):
    with disable_run_logger():
        get_run_logger().critical("nobody hears this")
        with flow_run():
            get_run_logger().critical("nor this")
    assert records == []
    with pytest.raises(MissingContextError):
        get_run_logger()
    with flow_run() as run:
        get_run_logger().info("but this")
    assert [line.message for line in lines_of(store, run)] == ["but this"]


def test_disable_logger_puts_back_what_was():
    logger = logging.getLogger("some.logger")
    with disable_logger("some.logger"):
        with disable_logger("some.logger"):
            pass
        assert logger.disabled
    assert not logger.disabled


def test_eavesdropping_collects_the_text_within_the_block():
    logger = logging.getLogger("overheard")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    with LogEavesdropper("overheard", level=logging.INFO) as ears:
        logger.debug("too low")
        logger.info("one %s", 1)
        logger.error("two")
    logger.info("too late")
    assert ears.text() == "[INFO]: one 1\n[ERROR]: two"


def test_pytest_s_caplog_sees_the_records(store, caplog):
    with flow_run():
        get_run_logger().info("seen")
    assert ("prefect.flow_runs", logging.INFO, "seen") in caplog.record_tuples

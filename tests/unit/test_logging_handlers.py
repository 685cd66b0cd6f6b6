"""Where logs go: rows by APILogHandler, lines by PrefectConsoleHandler."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import warnings
from uuid import UUID

import pytest
from logging_runs import a_store, flow_run, lines_of, some_records, task_run  # noqa: F401 - fixtures among them

from prefect._base.tty import can_encode, is_terminal
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler, emit_api_log, set_api_log_sink
from prefect.settings import temporary_settings


@pytest.fixture
def elsewhere():
    """A logger of the application's that stores its records."""
    logger = logging.getLogger("application")
    logger.setLevel(logging.DEBUG)
    handler = APILogHandler()
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


@contextlib.contextmanager
def no_handlers_of_pytest_s():
    """As in a script: pytest puts handlers of its own on the root logger when a test begins."""
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], []
    try:
        yield
    finally:
        root.handlers[:] = before


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def finished(name="prefect.flow_runs", text="Finished in state Completed()", **fields):
    return logging.makeLogRecord({"name": name, "levelno": 20, "levelname": "INFO", "msg": text, **fields})


# rows


def test_a_row_has_the_record_s_time_level_name_and_whole_traceback(store):
    with flow_run() as run, task_run() as task:
        try:
            raise ValueError("boom")
        except ValueError:
            get_run_logger().exception("it went %s", "wrong")
    (row,) = lines_of(store, task)
    assert (row.flow_run_id, row.task_run_id, row.level, row.name) == (
        run.id,
        task.id,
        40,
        "prefect.task_runs",
    )
    assert row.message.startswith("it went wrong\nTraceback (most recent call last):\n")
    assert row.message.endswith("ValueError: boom")


def test_a_logger_with_the_handler_stores_for_the_run_it_is_called_in(store, elsewhere):
    with flow_run() as run:
        elsewhere.info("in the flow")
        with task_run() as task:
            elsewhere.info("in the task")
    assert [line.message for line in lines_of(store, task)] == ["in the task"]
    assert [line.message for line in lines_of(store, run)] == ["in the flow", "in the task"]


def test_send_to_api_false_and_the_setting_keep_records_out(store):
    with flow_run() as run:
        get_run_logger().info("not this", extra={"send_to_api": False})
        with temporary_settings({"PREFECT_LOGGING_TO_API_ENABLED": False}):
            get_run_logger().info("nor this")
        get_run_logger().info("this")
    assert [line.message for line in lines_of(store, run)] == ["this"]


def test_outside_of_a_run_a_record_is_reported_as_the_setting_says(store, elsewhere):
    with pytest.warns(UserWarning, match="expected a flow or task run around the call, found none") as caught:
        elsewhere.info("nowhere")
    assert caught[0].filename == __file__
    with temporary_settings({"PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "error"}):
        with pytest.raises(MissingContextError, match="'application'"):
            elsewhere.info("nowhere")
    with temporary_settings({"PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore"}):
        elsewhere.info("nowhere")
    with temporary_settings({"PREFECT_LOGGING_TO_API_ENABLED": False}):
        elsewhere.info("nowhere")


def test_the_warning_comes_once_for_a_line_of_code(store, elsewhere):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            elsewhere.info("nowhere")
    assert len(caught) == 1


def test_a_long_message_is_cut_with_a_note(store):
    with flow_run() as run, temporary_settings({"PREFECT_LOGGING_TO_API_MAX_LOG_SIZE": 200}):
        get_run_logger().info("ü" * 500)
        get_run_logger().info("short")
    long, short = lines_of(store, run)
    assert len(long.message.encode()) <= 200
    assert long.message.startswith("üüüü")
    assert long.message.endswith("… [cut: 1,000 bytes are more than PREFECT_LOGGING_TO_API_MAX_LOG_SIZE=200]")
    assert short.message == "short"


def test_text_that_no_file_can_hold_is_stored_escaped(store, monkeypatch, capsys):
    monkeypatch.setattr(
        logging.getLogger("prefect"), "propagate", False
    )  # no report of pytest can hold it either
    with flow_run() as run:
        get_run_logger().info("file \udcff.csv")
    assert [line.message for line in lines_of(store, run)] == ["file \\udcff.csv"]
    capsys.readouterr()


def test_prepare_sink_and_emit_speak_the_same_dictionary(store):
    prepared = []
    with flow_run() as run:
        set_api_log_sink(prepared.append)
        try:
            get_run_logger().info("for the sink")
        finally:
            set_api_log_sink(None)
        assert lines_of(store, run) == []
        (log,) = prepared
        assert log.keys() == {"name", "level", "message", "timestamp", "flow_run_id", "task_run_id"}
        assert (log["flow_run_id"], log["task_run_id"]) == (str(UUID(bytes=run.id)), None)
        emit_api_log(log)
    (row,) = lines_of(store, run)
    assert (row.message, row.level, row.name) == ("for the sink", 20, "prefect.flow_runs")
    with pytest.raises(MissingContextError):
        APILogHandler().prepare(finished())


def test_flush_is_the_barrier(store):
    with flow_run() as run:
        get_run_logger().info("one")
        APILogHandler().flush()
        assert len(store.find_logs(flow_run_id=run.id)) == 1
        get_run_logger().info("two")
        asyncio.run(APILogHandler.aflush())
        assert len(store.find_logs(flow_run_id=run.id)) == 2


# lines


def test_piped_lines_are_plain(store, capsys):
    with flow_run("calm-otter"), task_run("load-a1b"):
        get_run_logger().warning("see https://example.com [red]x[/red]")
    error = capsys.readouterr().err
    assert error.endswith(" | WARNING | Task run 'load-a1b' - see https://example.com [red]x[/red]\n")
    assert "\x1b" not in error


def test_lines_go_to_whatever_stderr_is_at_the_time(store, monkeypatch):
    first, second = io.StringIO(), io.StringIO()
    with flow_run("calm-otter"):
        for stream in (first, second, None):
            monkeypatch.setattr(sys, "stderr", stream)
            get_run_logger().info("here")
    assert first.getvalue().count("here") == second.getvalue().count("here") == 1


def test_a_terminal_gets_colours(terminal):
    handler = PrefectConsoleHandler(terminal)
    handler.handle(finished(text="INFO Flow run 'otter' Completed https://a.b"))
    assert terminal.getvalue() == (
        "\x1b[36mINFO\x1b[0m Flow run \x1b[35m'otter'\x1b[0m \x1b[32mCompleted\x1b[0m \x1b[94mhttps://a.b\x1b[0m\n"
    )


@pytest.mark.parametrize("how", ["NO_COLOR", "TERM", "setting"])
def test_colours_can_be_switched_off(terminal, monkeypatch, how):
    if how == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    elif how == "TERM":
        monkeypatch.setenv("TERM", "dumb")
    with temporary_settings({"PREFECT_LOGGING_COLORS": how != "setting"}):
        PrefectConsoleHandler(terminal).handle(finished())
    assert terminal.getvalue() == "Finished in state Completed()\n"


def test_markup_is_read_only_if_asked_for(terminal):
    piped = io.StringIO()
    with temporary_settings({"PREFECT_LOGGING_MARKUP": True}):
        PrefectConsoleHandler(terminal).handle(finished(text="a [bold]b[/bold] c[/nonsense"))
        PrefectConsoleHandler(piped).handle(finished(text="a [bold]b[/bold] [c"))
        PrefectConsoleHandler(piped).handle(finished(text="no [/markup]"))
    assert "\x1b[1mb\x1b[0m" in terminal.getvalue()
    assert piped.getvalue() == "a b [c\nno [/markup]\n"


def test_styles_and_highlighters_of_the_user_s_own(terminal):
    from rich.highlighter import RegexHighlighter

    class Shouting(RegexHighlighter):
        base_style = "log."
        highlights = [r"(?P<shout>[A-Z]{2,})"]

    PrefectConsoleHandler(terminal, styles={"log.completed_state": "bold green"}).handle(finished())
    assert "\x1b[1;32mCompleted\x1b[0m" in terminal.getvalue()
    PrefectConsoleHandler(terminal, highlighter=Shouting, styles={"log.shout": "red"}).handle(
        finished(text="say HEY")
    )
    assert "say \x1b[31mHEY\x1b[0m\n" in terminal.getvalue()


def test_a_plain_handler_on_the_root_logger_does_not_repeat_our_lines(store, capsys):
    root = logging.getLogger()
    plain, chosen = logging.StreamHandler(sys.stderr), logging.StreamHandler(sys.stderr)
    plain.setFormatter(logging.Formatter("plain %(message)s"))
    chosen.setFormatter(type("Json", (logging.Formatter,), {})("chosen %(message)s"))
    root.addHandler(plain)
    root.addHandler(chosen)
    try:
        with flow_run():
            get_run_logger().info("ours")
            logging.getLogger("application").warning("theirs")
    finally:
        root.removeHandler(plain)
        root.removeHandler(chosen)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(" ")[0] for line in lines[1:]] == ["chosen", "plain", "chosen"]
    assert lines[0].endswith("- ours")


def test_a_record_that_cannot_be_formatted_is_reported_and_hurts_nobody(store, capsys):
    with no_handlers_of_pytest_s(), flow_run() as run:
        get_run_logger().info("one %s two %s", 1)
        get_run_logger().info("goes on")
    assert "--- Logging error ---" in capsys.readouterr().err
    assert [line.message for line in lines_of(store, run)] == ["goes on"]


def test_a_terminal_is_one_that_somebody_watches(terminal):
    closed = io.StringIO()
    closed.close()
    assert is_terminal(terminal)
    assert not is_terminal(io.StringIO())
    assert not is_terminal(None)
    assert can_encode(terminal, "━")
    assert not can_encode(None, "━")
    assert not is_terminal(closed)

"""A flow on a pseudo terminal, watched on an emulated screen; and everything that the view must keep out of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest

import prefect
from prefect._base.ids import new_id
from prefect._terminal import start, view
from prefect.settings import temporary_settings
from terminal_screens import Terminal

SOURCE = Path(prefect.__file__).parents[1]
# The terminal on stdin becomes the one that controls the process, so that ^C there reaches it.
# a background job of a shell inherits an ignored SIGINT, and Python then installs no handler of its own
BEGIN = (
    "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
)
PIPELINE = """
import os, subprocess, sys
from prefect import flow, task, get_run_logger

@task
def extract():
    return list(range(200))

@task
def transform(row):
    if row == 77:
        raise ValueError("bad row")
    return row

@flow
def child():
    extract()

@flow(flow_run_name="calm-otter")
def etl():
    futures = transform.map(extract())
    child()
    futures.wait()
    print("a whole line")
    print("a partial line", end="", flush=True)
    answer = input(", and a question? ")
    get_run_logger().info("the answer is %s", answer)
    subprocess.run(["sh", "-c", "echo one from a child process; echo two from a child process"])
    for number in range(60):
        print("line", number)
    return futures if answer == "fail" else None

etl(return_state=True)
print("after the flow")
"""


@pytest.fixture
def terminal():
    made = Terminal(80, 24)
    yield made
    made.close()


@pytest.fixture
def run(terminal, tmp_path):
    """Run code with the terminal as its own; it is killed at the end if it still runs."""
    started = []

    def begin(code=PIPELINE):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CI"))}
        own = {
            "PYTHONPATH": str(SOURCE),
            "PREFECT_HOME": str(tmp_path),
            "TERM": "xterm-256color",
            "PYTHONIOENCODING": "utf-8",
        }
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN + code],
            stdin=terminal.slave,
            stdout=terminal.slave,
            stderr=terminal.slave,
            env={**kept, **own},
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def end_of(process, terminal):
    """Read to the end, and the return code."""
    while process.poll() is None:
        terminal.read(0.05)
    terminal.drain()
    return process.returncode


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_a_run_is_shown_while_it_lasts_and_summed_up_at_its_end(run, terminal, size):
    terminal.resize(*size)
    process = run()
    terminal.wait_for("a partial line, and a question?")
    terminal.wait_for("200/200")
    block = terminal.rows()[-4:]
    assert block[0].startswith("── etl / calm-otter ─")
    assert "  1 failed" in next(row for row in block if "transform" in row)

    terminal.type("fail\n")
    assert end_of(process, terminal) == 0
    text = terminal.everything()
    for line in ("a whole line", "one from a child process", "two from a child process", "after the flow"):
        assert text.count(line) == 1, line
    assert [row for row in text if row.startswith("line ")] == [f"line {n}" for n in range(60)]
    assert text.count("a partial line, and a question? fail") == 1
    assert not any("──" in row for row in text)
    joined = "".join(text)
    assert "Failed  etl / calm-otter in " in joined
    assert "1/200 states failed." in joined
    assert "task runs: 202 completed, 1 failed" in joined
    assert "prefect flow-run retry " in joined
    assert terminal.is_restored()


def test_the_view_follows_the_window(run, terminal):
    process = run()
    terminal.wait_for("200/200")
    terminal.resize(60, 16)
    terminal.read(1.0)
    terminal.wait_for("200/200")
    assert len([row for row in terminal.rows() if row.startswith("── etl")]) == 1
    terminal.type("ok\n")
    assert end_of(process, terminal) == 0
    assert [row for row in terminal.everything() if row.startswith("line ")][-1] == "line 59"
    assert "Completed  etl / calm-otter" in "".join(terminal.everything())


def test_ctrl_c_gives_the_terminal_back(run, terminal):
    process = run()
    terminal.wait_for("200/200")
    terminal.type("\x03")
    assert end_of(process, terminal) != 0
    text = "".join(terminal.everything())
    assert "Crashed  etl / calm-otter" in text
    assert "Execution was aborted by an interrupt signal." in text
    assert "──" not in text
    assert terminal.is_restored()


def test_sigterm_gives_the_terminal_back(run, terminal):
    process = run()
    terminal.wait_for("200/200")
    process.send_signal(signal.SIGTERM)
    assert end_of(process, terminal) != 0
    assert "──" not in "".join(terminal.everything())
    assert terminal.is_restored()


POOL = """
from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner

@task
def transform(row):
    print("from the pool")

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1), log_prints=True)
def etl():
    transform.map(range(3)).wait()
    input("question? ")

if __name__ == "__main__":
    etl()
"""


def test_the_work_of_other_processes_is_shown_too(run, terminal):
    process = run(POOL)
    terminal.wait_for("transform  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  3/3")
    terminal.type("\n")
    assert end_of(process, terminal) == 0
    text = "".join(terminal.everything())
    assert text.count("- from the pool") == 3
    assert "task runs: 3 completed" in text


SHORT = """
from prefect import flow
@flow
def quick():
    print("quick")
quick()
"""


def test_a_short_run_is_left_alone(run, terminal):
    assert end_of(run(SHORT), terminal) == 0
    assert b"\x1b7" not in terminal.raw
    assert "prefect flow-run inspect" not in "".join(terminal.everything())


# one display, in this process


@pytest.fixture
def begin(terminal, monkeypatch):
    """Start a view on the terminal that shows at once."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(view, "DELAY_SECONDS", 0.0)

    def begin(flow_run_name="calm-otter", flow_name="etl", stream=terminal.stream, live=None):
        with redirect_stderr(stream), temporary_settings({"PREFECT_TERMINAL_LIVE": live}):
            return start(new_id(), flow_run_name, flow_name)

    return begin


@pytest.mark.parametrize("reason", ["CI", "TERM", "setting", "pipe"])
def test_there_is_no_view_where_nobody_could_see_it(begin, monkeypatch, tmp_path, reason):
    if reason == "CI":
        monkeypatch.setenv("CI", "true")
    elif reason == "TERM":
        monkeypatch.setenv("TERM", "dumb")
    if reason == "pipe":
        with (tmp_path / "log").open("w") as pipe:
            assert begin(stream=pipe) is None
    else:
        assert begin(live=False if reason == "setting" else None) is None


def test_the_setting_shows_it_in_ci_too(begin, terminal, monkeypatch):
    monkeypatch.setenv("CI", "true")
    shown = begin(live=True)
    terminal.wait_for("etl / calm-otter")
    shown.stop("Completed")


def test_runs_at_the_same_time_share_one_display(begin, terminal):
    first, second = begin("first", "etl"), begin("second", "report")
    terminal.wait_for("── etl / first and 1 more ──")
    first.stop("Completed")
    terminal.wait_for("── report / second ──")
    assert "Completed  etl / first" in "".join(terminal.rows())
    second.stop("Failed", "it broke")
    terminal.drain()
    assert "Failed  report / second" in "".join(terminal.rows())
    assert terminal.is_restored()
    third = begin("third", "etl")
    terminal.wait_for("── etl / third ──")
    third.stop("Completed")


def test_a_terminal_too_low_for_both_is_left_to_the_output(begin, terminal):
    shown = begin()
    terminal.wait_for("etl / calm-otter")
    terminal.resize(80, 5)
    terminal.wait_until(lambda rows: not any("──" in row for row in rows))
    assert terminal.is_restored()
    shown.stop("Completed")


def test_a_forked_child_leaves_the_terminal_to_its_parent(begin, terminal, monkeypatch):
    shown = begin()
    terminal.wait_for("etl / calm-otter")
    with monkeypatch.context() as forked:
        forked.setattr(view.os, "getpid", lambda: -1)
        assert begin() is None
        shown._display.end()
        assert terminal.screen.margins is not None
    shown.stop("Completed")
    terminal.drain()
    assert terminal.is_restored()


def test_a_failure_of_the_view_is_not_one_of_the_run(begin, terminal, monkeypatch):
    shown = begin()
    terminal.wait_for("etl / calm-otter")
    monkeypatch.setattr(view, "rows", None)
    assert shown._display.ended.wait(20)
    terminal.drain()
    assert terminal.is_restored()
    shown.stop("Completed")
    shown.stop("Completed")


def test_a_terminal_that_goes_away_is_not_missed(begin, terminal, monkeypatch):
    shown = begin()
    terminal.wait_for("etl / calm-otter")

    def gone(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", gone)
    assert shown._display.ended.wait(20)
    shown.stop("Completed")

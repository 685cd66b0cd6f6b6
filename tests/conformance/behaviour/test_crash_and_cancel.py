"""Crashes and cancellation: what BaseExceptions, signals and a returned Cancelling do (behaviours 48 to 50)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.context import FlowRunContext
from prefect.exceptions import UnfinishedRun
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Cancelling

PROGRAMS = Path(__file__).parent / "programs"
TESTS = Path(__file__).parents[2]


class MyBase(BaseException):
    """An error that no `except Exception` stops."""


INTERRUPTED = "Execution was aborted by an interrupt signal."
CANCELLED = "Execution was cancelled by the runtime environment."

crashes = pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), INTERRUPTED),
        (SystemExit(3), "Execution was aborted by Python system exit call."),
        (MyBase("zz"), "Execution was interrupted by an unexpected exception: MyBase: zz"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)


# --- BaseExceptions ---------------------------------------------------------------------------------


@pytest.mark.behaviour(48)
@crashes
@pytest.mark.parametrize("return_state", [False, True])
def test_flow_crashes_and_raises_again(form: Form, error: BaseException, message: str, return_state: bool):
    run_ids = []

    @flow
    @form
    def doomed():
        run_ids.append(FlowRunContext.get().flow_run.id)
        raise error

    with pytest.raises(type(error)):
        form.run(doomed, return_state=return_state)
    recorded = observe.flow_run(run_ids[0])
    assert (recorded.state_type, recorded.state_name, recorded.message) == ("CRASHED", "Crashed", message)


@pytest.mark.behaviour(48)
@crashes
def test_task_crashes_and_takes_its_flow_along(form: Form, error: BaseException, message: str):
    run_ids = []

    @task
    @form
    def doomed():
        raise error

    @flow
    @form
    def parent():
        run_ids.append(FlowRunContext.get().flow_run.id)
        yield doomed(return_state=True)

    with pytest.raises(type(error)):
        form.run(parent)
    recorded = observe.flow_run(run_ids[0])
    assert (recorded.state_type, recorded.message) == ("CRASHED", message)
    (task_run,) = observe.task_runs_of(run_ids[0])
    assert (task_run.state_type, task_run.message) == ("CRASHED", message)


@pytest.mark.behaviour(48)
def test_a_cancelled_coroutine_crashes():
    run_ids = []

    @task
    async def doomed():
        raise asyncio.CancelledError

    @flow
    async def parent():
        run_ids.append(FlowRunContext.get().flow_run.id)
        await doomed(return_state=True)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(parent())
    assert observe.flow_run(run_ids[0]).message == CANCELLED
    (task_run,) = observe.task_runs_of(run_ids[0])
    assert (task_run.state_type, task_run.message) == ("CRASHED", CANCELLED)


@pytest.mark.behaviour(48)
def test_a_crashing_subflow_takes_its_parent_along(form: Form):
    run_ids = []

    @flow
    @form
    def child():
        run_ids.append(FlowRunContext.get().flow_run.id)
        raise MyBase("zz")

    @flow
    @form
    def parent():
        run_ids.append(FlowRunContext.get().flow_run.id)
        yield child(return_state=True)

    with pytest.raises(MyBase):
        form.run(parent)
    assert [observe.flow_run(run_id).state_type for run_id in run_ids] == ["CRASHED", "CRASHED"]


@pytest.mark.behaviour(48)
def test_crashes_are_not_retried(form: Form):
    attempts = []

    @task(retries=3)
    @form
    def doomed():
        attempts.append(1)
        raise MyBase("zz")

    with pytest.raises(MyBase):
        form.run(doomed)
    assert len(attempts) == 1


# --- signals and exits of a real process ------------------------------------------------------------


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program that dies, in a process of its own on the store of the session, or else on one of its own."""
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    if server := get_current_settings().api.url:
        environment["PREFECT_API_URL"] = server
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / "dying.py"), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def last_words(process: subprocess.Popen[str], signal_number: int) -> list[str]:
    """Signal the program as soon as it is ready, and read what it still had to say."""
    assert process.stdout
    with process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal_number)
        said, errors = process.communicate()
    assert said, f"ended with exit code {process.returncode} and without a word: {errors}"
    return said.splitlines()


@pytest.mark.behaviour(48, 49)
def test_sigterm_crashes_the_run_and_goes_on_to_the_previous_handler(tmp_path: Path):
    process = start(tmp_path, "sync", "wait")
    assert last_words(process, signal.SIGTERM) == [
        "hook: Crashed Execution was aborted by a termination signal.",
        "previous handler called",
        "raised: TerminationSignal",
        "handler restored: True",
    ]
    assert process.returncode == 1


@pytest.mark.behaviour(49)
def test_sigterm_crashes_an_async_run(tmp_path: Path):
    said = last_words(start(tmp_path, "async", "wait"), signal.SIGTERM)
    assert said[0].startswith("hook: Crashed ")
    assert said[-2:] == ["raised: TerminationSignal", "handler restored: True"]


@pytest.mark.behaviour(48)
def test_ctrl_c_crashes_the_run(tmp_path: Path):
    process = start(tmp_path, "sync", "wait")
    said = last_words(process, signal.SIGINT)
    assert said == [f"hook: Crashed {INTERRUPTED}", "raised: KeyboardInterrupt", "handler restored: True"]
    assert process.returncode == -signal.SIGINT


@pytest.mark.behaviour(48)
def test_ctrl_c_crashes_an_async_run(tmp_path: Path):
    process = start(tmp_path, "async", "wait")
    said = last_words(process, signal.SIGINT)
    # From 3.11 on, asyncio turns Ctrl-C into the cancellation of the main task; before, it interrupts the loop.
    assert said[0] in (f"hook: Crashed {INTERRUPTED}", f"hook: Crashed {CANCELLED}")
    assert said[1:] == ["raised: KeyboardInterrupt", "handler restored: True"]


@pytest.mark.behaviour(48)
def test_sys_exit_crashes_the_run_and_keeps_its_exit_code(form: Form, tmp_path: Path):
    process = start(tmp_path, "async" if form.is_async else "sync", "exit")
    said, _ = process.communicate()
    assert said.splitlines() == [
        "hook: Crashed Execution was aborted by Python system exit call.",
        "raised: SystemExit",
        "handler restored: True",
    ]
    assert process.returncode == 3


# --- cancellation -----------------------------------------------------------------------------------


def cancelling_flow(form: Form, state: Any) -> tuple[Any, list[str]]:
    """A flow that returns that state, and the list of what its hooks saw."""
    seen: list[str] = []

    def note(flow: Any, flow_run: Any, state: Any) -> None:
        seen.append(state.name)

    @flow(on_cancellation=[note])
    @form
    def stops():
        return state

    return stops, seen


@pytest.mark.behaviour(50)
def test_a_returned_cancelling_state_runs_the_cancellation_hooks(form: Form):
    stops, seen = cancelling_flow(form, Cancelling())
    with pytest.raises(UnfinishedRun):
        form.run(stops)
    assert seen == ["Cancelling"]


@pytest.mark.behaviour(50)
def test_the_hooks_of_a_returned_cancelling_state_are_not_interrupted_by_it(form: Form):
    seen: list[str] = []

    async def slow(flow: Any, flow_run: Any, state: Any) -> None:
        await asyncio.sleep(3 * get_current_settings().runs.cancel_poll_seconds)
        seen.append(state.name)

    @flow(on_cancellation=[slow])
    @form
    def stops():
        return Cancelling()

    with pytest.raises(UnfinishedRun):
        form.run(stops)
    assert seen == ["Cancelling"]


@pytest.mark.behaviour(50)
def test_a_returned_cancelled_state_does_not_run_the_cancellation_hooks(form: Form):
    stops, seen = cancelling_flow(form, Cancelled())
    state = form.run(stops, return_state=True)
    assert state.is_cancelled()
    assert seen == []


@pytest.mark.behaviour(50)
def test_the_environment_can_switch_cancellation_hooks_off(form: Form, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS", "false")
    stops, seen = cancelling_flow(form, Cancelling())
    form.run(stops, return_state=True)
    assert seen == []


@pytest.mark.behaviour(50)
def test_the_environment_does_not_switch_crash_hooks_off(form: Form, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS", "false")
    seen = []

    def note(flow: Any, flow_run: Any, state: Any) -> None:
        seen.append(state.name)

    @flow(on_crashed=[note])
    @form
    def doomed():
        raise MyBase("zz")

    with pytest.raises(MyBase):
        form.run(doomed)
    assert seen == ["Crashed"]

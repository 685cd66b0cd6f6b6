"""Hooks of flows and tasks: with what, when and in which order they are called (behaviours 51 and 52)."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import Flow, Task, flow, task
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as current_flow_run
from prefect.states import State


@pytest.fixture(params=["sync hook", "async hook"])
def hook_form(request: pytest.FixtureRequest) -> Any:
    """Hooks come in two forms of their own, whatever the form of their flow or task."""
    if request.param == "sync hook":
        return lambda function: function

    def make_async(function: Any) -> Any:
        @functools.wraps(function)
        async def hook(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return hook

    return make_async


def fail() -> None:
    """What a body does that shall fail."""
    raise ValueError("x")


# --- arguments --------------------------------------------------------------------------------------


@pytest.mark.behaviour(51)
@pytest.mark.parametrize(
    ("option", "body", "state_name"),
    [("on_running", int, "Running"), ("on_completion", int, "Completed"), ("on_failure", fail, "Failed")],
)
def test_flow_hooks_get_flow_run_and_state(
    form: Form, hook_form: Any, option: str, body: Any, state_name: str
):
    calls = []

    @hook_form
    def hook(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        calls.append((flow, flow_run, state))

    @flow(**{option: [hook]})
    @form
    def work():
        return body()

    run_id = form.run(work, return_state=True).state_details.flow_run_id
    ((seen_flow, seen_run, seen_state),) = calls
    assert seen_flow is work
    assert isinstance(seen_run, FlowRun)
    assert seen_run.id == run_id
    assert isinstance(seen_state, State)
    assert seen_state.name == state_name


@pytest.mark.behaviour(51)
@pytest.mark.parametrize(
    ("option", "body", "state_name"),
    [("on_running", int, "Running"), ("on_completion", int, "Completed"), ("on_failure", fail, "Failed")],
)
def test_task_hooks_get_task_run_and_state(
    form: Form, hook_form: Any, option: str, body: Any, state_name: str
):
    calls = []

    @hook_form
    def hook(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> None:
        calls.append((task, task_run, state))

    @task(**{option: [hook]})
    @form
    def work():
        return body()

    run_id = form.run(work, return_state=True).state_details.task_run_id
    ((seen_task, seen_run, seen_state),) = calls
    assert seen_task is work
    assert isinstance(seen_run, TaskRun)
    assert seen_run.id == run_id
    assert isinstance(seen_state, State)
    assert seen_state.name == state_name


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_partials_are_hooks(form: Form, decorator: Any):
    calls = []

    def hook(where: str, thing: Any, run: Any, state: Any, *, note: str) -> None:
        calls.append((where, thing.name, state.name, note))

    @decorator(name="work", on_completion=[functools.partial(hook, "here", note="n")])
    @form
    def work():
        pass

    form.run(work)
    assert calls == [("here", "work", "Completed", "n")]


# --- registering ------------------------------------------------------------------------------------


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_hooks_run_in_the_order_of_the_list_and_of_their_registration(form: Form, decorator: Any):
    calls = []

    def first(thing: Any, run: Any, state: Any) -> None:
        calls.append("first")

    async def second(thing: Any, run: Any, state: Any) -> None:
        calls.append("second")

    @decorator(on_completion=[first, second])
    @form
    def work():
        pass

    @work.on_completion
    def third(thing: Any, run: Any, state: Any) -> None:
        calls.append("third")

    form.run(work)
    assert calls == ["first", "second", "third"]


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_hooks_may_be_registered_by_decorator(form: Form, decorator: Any):
    calls = []

    @decorator
    @form
    def work(failing: bool):
        if failing:
            fail()

    @work.on_running
    def running(thing: Any, run: Any, state: Any) -> None:
        calls.append("running")

    @work.on_completion
    def completed(thing: Any, run: Any, state: Any) -> None:
        calls.append("completed")

    @work.on_failure
    def failed(thing: Any, run: Any, state: Any) -> None:
        calls.append("failed")

    form.run(work, False)
    form.run(work, True, return_state=True)
    assert calls == ["running", "completed", "running", "failed"]


# --- errors and context -----------------------------------------------------------------------------


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_a_failing_hook_is_logged_and_the_rest_run(
    form: Form, hook_form: Any, decorator: Any, caplog: pytest.LogCaptureFixture
):
    calls = []

    @hook_form
    def broken(thing: Any, run: Any, state: Any) -> None:
        raise RuntimeError("broken hook")

    def sound(thing: Any, run: Any, state: Any) -> None:
        calls.append(state.name)

    @decorator(on_completion=[broken, sound])
    @form
    def work():
        return 1

    assert form.run(work) == 1
    assert calls == ["Completed"]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("'broken'" in message for message in errors)


@pytest.mark.behaviour(51)
@pytest.mark.parametrize(("option", "body"), [("on_completion", int), ("on_failure", fail)])
def test_flow_hooks_run_inside_the_run(form: Form, hook_form: Any, option: str, body: Any):
    seen = []

    @hook_form
    def hook(flow: Any, flow_run: FlowRun, state: Any) -> None:
        get_run_logger().info("a word from the hook")
        seen.append(current_flow_run.id == str(flow_run.id))

    @flow(**{option: [hook]})
    @form
    def work():
        return body()

    run_id = form.run(work, return_state=True).state_details.flow_run_id
    assert seen == [True]
    assert (logging.INFO, "a word from the hook") in observe.logs_of(run_id)


# --- order ------------------------------------------------------------------------------------------


def noted(calls: list[tuple[str, str]], kind: str) -> Any:
    """A hook that notes the state in which its flow or task is."""

    def note(thing: Any, run: Any, state: Any) -> None:
        calls.append((kind, state.name))

    return note


@pytest.mark.behaviour(52)
def test_failure_hooks_come_last_and_once(form: Form):
    calls: list[tuple[str, str]] = []

    @task(retries=1, on_running=[noted(calls, "task")], on_failure=[noted(calls, "task")])
    @form
    def doomed():
        fail()

    @flow(on_running=[noted(calls, "flow")], on_failure=[noted(calls, "flow")])
    @form
    def parent():
        yield doomed()

    form.run(parent, return_state=True)
    assert calls == [
        ("flow", "Running"),
        ("task", "Running"),
        ("task", "Retrying"),
        ("task", "Failed"),
        ("flow", "Failed"),
    ]


@pytest.mark.behaviour(52)
def test_flow_hooks_over_a_retry(form: Form):
    calls: list[tuple[str, str]] = []
    attempts = []
    note = noted(calls, "flow")

    @flow(retries=1, on_running=[note], on_failure=[note], on_completion=[note])
    @form
    def work():
        attempts.append(1)
        if len(attempts) == 1:
            fail()

    form.run(work)
    assert [name for _, name in calls] == ["Running", "Running", "Completed"]


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])
def test_the_log_names_each_hook(form: Form, decorator: Any, caplog: pytest.LogCaptureFixture):
    def cleanup(thing: Any, run: Any, state: Any) -> None:
        pass

    @decorator(on_failure=[cleanup])
    @form
    def doomed():
        fail()

    form.run(doomed, return_state=True)
    messages = [record.getMessage() for record in caplog.records]
    before = messages.index("Running hook 'cleanup' in response to entering state 'Failed'")
    assert "Hook 'cleanup' finished running successfully" in messages[before:]

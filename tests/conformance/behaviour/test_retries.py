"""Retries of tasks and of flows: which states they pass, what is run again (behaviours 41 to 45)."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import flow_run, task_run

PENDING = ("PENDING", "Pending")
RUNNING = ("RUNNING", "Running")
RETRYING = ("RUNNING", "Retrying")
AWAITING = ("SCHEDULED", "AwaitingRetry")
COMPLETED = ("COMPLETED", "Completed")
FAILED = ("FAILED", "Failed")


def fails(times: int) -> Any:
    """A function that raises that many times and then answers with the number of calls so far."""
    calls: list[int] = []

    def unreliable() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise ValueError(f"call {len(calls)}")
        return len(calls)

    return unreliable


def failing_states(form: Form, **options: Any) -> list[tuple[str, str]]:
    """The states of a task that always fails, with those options."""

    @task(**options)
    @form
    def unreliable():
        raise ValueError("x")

    @flow
    @form
    def parent():
        return (yield unreliable(return_state=True)).state_details.task_run_id

    return observe.task_run_states(form.run(parent))


# --- tasks ------------------------------------------------------------------------------------------


@pytest.mark.behaviour(41)
def test_task_without_delay_goes_from_running_to_retrying(form: Form):
    assert failing_states(form, retries=2) == [PENDING, RUNNING, RETRYING, RETRYING, FAILED]


@pytest.mark.behaviour(41)
def test_task_with_delay_awaits_each_retry(form: Form):
    states = failing_states(form, retries=2, retry_delay_seconds=0.01)
    assert states == [PENDING, RUNNING, AWAITING, RETRYING, AWAITING, RETRYING, FAILED]


@pytest.mark.behaviour(41)
def test_task_that_comes_good_completes(form: Form):
    unreliable = fails(1)

    @task(retries=3)
    @form
    def work():
        return unreliable()

    @flow
    @form
    def parent():
        return (yield work(return_state=True)).state_details.task_run_id

    run_id = form.run(parent)
    assert observe.task_run_states(run_id) == [PENDING, RUNNING, RETRYING, COMPLETED]
    assert observe.task_run(run_id).run_count == 2


@pytest.mark.behaviour(41)
def test_submitted_task_is_retried(form: Form):
    unreliable = fails(2)

    @task(retries=2)
    @form
    def work():
        return unreliable()

    @flow
    @form
    def parent():
        return work.submit().result()

    assert form.run(parent) == 3


@pytest.mark.behaviour(41)
def test_run_count_rises_with_each_attempt(form: Form):
    seen = []

    @task(retries=2)
    @form
    def work():
        seen.append((task_run.run_count, TaskRunContext.get().task_run.run_count))
        raise ValueError("x")

    form.run(work, return_state=True)
    assert seen == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.behaviour(41)
def test_a_short_list_of_delays_repeats_its_last_value(form: Form):
    starts = []

    @task(retries=3, retry_delay_seconds=[0, 0.1])
    @form
    def work():
        starts.append(time.monotonic())
        raise ValueError("x")

    form.run(work, return_state=True)
    waits = [later - earlier for earlier, later in zip(starts, starts[1:])]
    assert len(waits) == 3
    assert waits[1] >= 0.1
    assert waits[2] >= 0.1


@pytest.mark.behaviour(41)
def test_delays_may_come_from_a_function_of_the_number_of_retries(form: Form):
    asked = []
    starts = []

    def delays(retries: int) -> list[float]:
        asked.append(retries)
        return [0.1] * retries

    @task(retries=2, retry_delay_seconds=delays)
    @form
    def work():
        starts.append(time.monotonic())
        raise ValueError("x")

    form.run(work, return_state=True)
    assert set(asked) == {2}
    assert [later - earlier >= 0.1 for earlier, later in zip(starts, starts[1:])] == [True, True]


# --- flows ------------------------------------------------------------------------------------------


@pytest.mark.behaviour(42)
@pytest.mark.parametrize("delay", [None, 0.01])
def test_flow_awaits_each_retry_and_then_runs(form: Form, delay: float | None):
    counts = []

    @flow(retries=2, retry_delay_seconds=delay)
    @form
    def work():
        counts.append(flow_run.run_count)
        raise ValueError("x")

    state = form.run(work, return_state=True)
    run_id = state.state_details.flow_run_id
    assert observe.flow_run_states(run_id) == [PENDING, RUNNING, AWAITING, RUNNING, AWAITING, RUNNING, FAILED]
    assert observe.flow_run(run_id).run_count == 3
    assert counts == [1, 2, 3]


@pytest.mark.behaviour(42)
def test_flow_that_comes_good_completes(form: Form):
    unreliable = fails(1)

    @flow(retries=5)
    @form
    def work():
        return unreliable()

    state = form.run(work, return_state=True)
    run_id = state.state_details.flow_run_id
    assert observe.flow_run_states(run_id) == [PENDING, RUNNING, AWAITING, RUNNING, COMPLETED]


@pytest.mark.behaviour(42)
def test_flow_waits_its_delay(form: Form):
    starts = []

    @flow(retries=1, retry_delay_seconds=0.1)
    @form
    def work():
        starts.append(time.monotonic())
        raise ValueError("x")

    form.run(work, return_state=True)
    assert starts[1] - starts[0] >= 0.1


# --- conditions -------------------------------------------------------------------------------------


@pytest.mark.behaviour(43)
@pytest.mark.parametrize("condition_form", ["sync", "async"])
@pytest.mark.parametrize(("answer", "attempts"), [(True, 3), (False, 1)])
def test_the_condition_decides_on_each_retry(form: Form, condition_form: str, answer: bool, attempts: int):
    asked = []
    calls = []

    def condition(task: Any, task_run: Any, state: Any) -> bool:
        asked.append((task.name, task_run.name, state.type.value, str(state.data)))
        return answer

    async def async_condition(task: Any, task_run: Any, state: Any) -> bool:
        return condition(task, task_run, state)

    @task(retries=2, retry_condition_fn=condition if condition_form == "sync" else async_condition)
    @form
    def work():
        calls.append(1)
        raise ValueError("x")

    state = form.run(work, return_state=True)
    assert state.is_failed()
    assert len(calls) == attempts
    assert asked[0][:3] == ("work", "work", "FAILED")
    assert len(asked) == min(attempts, 2)


@pytest.mark.behaviour(43)
def test_the_condition_may_read_the_exception(form: Form):
    errors = iter([KeyError("again"), ValueError("stop"), KeyError("never")])

    def only_key_errors(task: Any, task_run: Any, state: Any) -> bool:
        try:
            state.result()
        except KeyError:
            return True
        except ValueError:
            return False

    @task(retries=5, retry_condition_fn=only_key_errors)
    def work():
        raise next(errors)

    state = work(return_state=True)
    assert state.message == "Task run encountered an exception ValueError: stop"


@pytest.mark.behaviour(43)
def test_a_condition_that_raises_stops_retrying(form: Form):
    calls = []

    def condition(task: Any, task_run: Any, state: Any) -> bool:
        raise RuntimeError("broken condition")

    @task(retries=3, retry_condition_fn=condition)
    @form
    def work():
        calls.append(1)
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        form.run(work)
    assert len(calls) == 1


# --- what a flow retry runs again -------------------------------------------------------------------


@pytest.mark.behaviour(44)
@pytest.mark.usefixtures("result_folder")
def test_flow_retry_reuses_only_tasks_with_persisted_results(form: Form):
    ran = []

    @task(persist_result=True)
    @form
    def kept():
        ran.append("kept")
        return 1

    @task
    @form
    def forgotten():
        ran.append("forgotten")
        return 2

    unreliable = fails(2)

    @flow(retries=2)
    @form
    def parent():
        total = (yield kept()) + (yield forgotten())
        return total + unreliable()

    assert form.run(parent) == 6
    assert ran == ["kept", "forgotten", "forgotten", "forgotten"]


@pytest.mark.behaviour(44)
def test_flow_retry_gives_its_tasks_all_their_retries_again(form: Form):
    calls = []

    @task(retries=2)
    @form
    def work():
        calls.append(task_run.run_count)
        raise ValueError("x")

    @flow(retries=1)
    @form
    def parent():
        yield work()

    form.run(parent, return_state=True)
    assert len(calls) == 6


@pytest.mark.behaviour(44)
@pytest.mark.usefixtures("result_folder")
def test_flow_retry_reuses_a_subflow_with_a_persisted_result(form: Form):
    ran = []

    @flow(persist_result=True)
    @form
    def kept():
        ran.append("kept")
        return 1

    @flow
    @form
    def forgotten():
        ran.append("forgotten")
        return 2

    unreliable = fails(1)

    @flow(retries=1)
    @form
    def parent():
        total = (yield kept()) + (yield forgotten())
        return total + unreliable()

    assert form.run(parent) == 5
    assert ran == ["kept", "forgotten", "forgotten"]


@pytest.mark.behaviour(44)
def test_flow_retry_gives_a_failed_subflow_a_new_run(form: Form):
    unreliable = fails(1)
    children = []

    @flow
    @form
    def child():
        children.append(FlowRunContext.get().flow_run.id)
        return unreliable()

    @flow(retries=1)
    @form
    def parent():
        return (yield child())

    assert form.run(parent) == 2
    first, second = children
    assert first != second
    assert observe.flow_run(first).state_name == "Failed"
    assert observe.flow_run(second).state_name == "Completed"


# --- what the log says ------------------------------------------------------------------------------


@pytest.mark.behaviour(45)
@pytest.mark.parametrize("retries", [0, 1])
def test_the_log_says_that_retries_are_exhausted_only_if_there_were_any(
    form: Form, caplog: pytest.LogCaptureFixture, retries: int
):
    @task(retries=retries)
    @form
    def work():
        raise ValueError("x")

    form.run(work, return_state=True)
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors
    assert any("Retries are exhausted" in message for message in errors) == (retries > 0)

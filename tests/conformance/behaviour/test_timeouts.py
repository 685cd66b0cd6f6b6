"""Timeouts of flows and tasks: what is raised, what is recorded, what is interrupted (behaviours 46 and 47)."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task

FOR_EVER = 5.0
flow_and_task = pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])


def rest(form: Form, seconds: float) -> Any:
    """Do nothing for that long, blocking a thread or waiting in the event loop."""
    return asyncio.sleep(seconds) if form.is_async else time.sleep(seconds)


# --- what is raised and recorded --------------------------------------------------------------------


@pytest.mark.behaviour(46)
def test_flow_that_exceeds_its_timeout_is_failed_as_timed_out(form: Form):
    @flow(timeout_seconds=0.1)
    @form
    def slow():
        yield rest(form, FOR_EVER)

    state = form.run(slow, return_state=True)
    assert (state.type.value, state.name) == ("FAILED", "TimedOut")
    assert state.message == "Flow run exceeded timeout of 0.1 second(s)"
    recorded = observe.flow_run(state.state_details.flow_run_id)
    assert (recorded.state_name, recorded.message) == (state.name, state.message)


@pytest.mark.behaviour(46)
def test_task_that_exceeds_its_timeout_is_failed_as_timed_out(form: Form):
    @task(timeout_seconds=0.1)
    @form
    def slow():
        yield rest(form, FOR_EVER)

    @flow
    @form
    def parent():
        state = yield slow(return_state=True)
        return state.type.value, state.name, state.message, state.state_details.task_run_id

    *seen, run_id = form.run(parent)
    assert seen == ["FAILED", "TimedOut", "Task run exceeded timeout of 0.1 second(s)"]
    recorded = observe.task_run(run_id)
    assert [recorded.state_type, recorded.state_name, recorded.message] == seen


@pytest.mark.behaviour(46)
@flow_and_task
def test_the_error_of_a_timeout_says_how_long_was_allowed(form: Form, decorator: Any):
    @decorator(timeout_seconds=0.2)
    @form
    def slow():
        yield rest(form, FOR_EVER)

    with pytest.raises(TimeoutError) as caught:
        form.run(slow)
    assert str(caught.value) == "Scope timed out after 0.2 second(s)."
    assert type(caught.value) is not TimeoutError


@pytest.mark.behaviour(46)
@flow_and_task
def test_what_ends_in_time_is_untouched(form: Form, decorator: Any):
    @decorator(timeout_seconds=FOR_EVER)
    @form
    def quick():
        yield rest(form, 0.01)
        return 1

    assert form.run(quick) == 1


@pytest.mark.behaviour(46)
@flow_and_task
def test_a_timed_out_attempt_is_retried(form: Form, decorator: Any):
    attempts = []

    @decorator(timeout_seconds=0.1, retries=1)
    @form
    def slow_at_first():
        attempts.append(1)
        yield rest(form, FOR_EVER if len(attempts) == 1 else 0)
        return len(attempts)

    assert form.run(slow_at_first) == 2


@pytest.mark.behaviour(46)
def test_the_clock_starts_after_the_upstream_has_finished(form: Form):
    @task
    @form
    def upstream():
        yield rest(form, 0.3)

    @task(timeout_seconds=0.2)
    @form
    def downstream():
        return "in time"

    @flow
    @form
    def parent():
        return downstream.submit(wait_for=[upstream.submit()]).result()

    assert form.run(parent) == "in time"


# --- what is interrupted ----------------------------------------------------------------------------


@pytest.mark.behaviour(47)
@flow_and_task
def test_code_on_the_main_thread_is_interrupted(form: Form, decorator: Any):
    reached = []

    @decorator(timeout_seconds=0.1)
    @form
    def slow():
        yield rest(form, FOR_EVER)
        reached.append("the end")

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        form.run(slow)
    assert time.monotonic() - started < FOR_EVER
    assert not reached


@pytest.mark.behaviour(47)
def test_a_task_called_by_a_flow_is_interrupted_and_the_flow_goes_on(form: Form):
    @task(timeout_seconds=0.1)
    @form
    def slow():
        yield rest(form, FOR_EVER)

    @flow
    @form
    def parent():
        try:
            yield slow()
        except TimeoutError:
            return "went on"

    assert form.run(parent) == "went on"


@pytest.mark.behaviour(47)
def test_a_timeout_in_a_worker_thread_is_announced(caplog: pytest.LogCaptureFixture):
    @task(timeout_seconds=FOR_EVER)
    def quick():
        return 1

    @flow
    def parent():
        return quick.submit().result()

    assert parent() == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("running in a worker thread" in message for message in warnings)


@pytest.mark.behaviour(47)
def test_a_slow_task_in_a_worker_thread_times_out():
    @task(timeout_seconds=0.1)
    def slow():
        for _ in range(500):
            time.sleep(0.01)

    @flow
    def parent():
        state = slow.submit(return_state=True)
        return state.type.value, state.name

    started = time.monotonic()
    assert parent() == ("FAILED", "TimedOut")
    assert time.monotonic() - started < FOR_EVER


@pytest.mark.behaviour(47)
def test_a_submitted_async_task_times_out():
    @task(timeout_seconds=0.1)
    async def slow():
        await asyncio.sleep(FOR_EVER)

    @flow
    async def parent():
        state = slow.submit(return_state=True)
        return state.type.value, state.name

    assert asyncio.run(parent()) == ("FAILED", "TimedOut")


@pytest.mark.behaviour(47)
@flow_and_task
def test_a_cancellation_by_the_user_is_not_a_timeout(decorator: Any):
    @decorator(timeout_seconds=FOR_EVER)
    async def cancelled():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())

"""The default task runner has a thread for everyone (behaviour 38)."""

from __future__ import annotations

import threading

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner


@pytest.mark.behaviour(38)
def test_33_submitted_tasks_run_at_the_same_time(form: Form):
    everyone = threading.Barrier(33, timeout=5)

    @task
    def meet():
        return everyone.wait()

    @flow
    @form
    def parent():
        return [future.result() for future in [meet.submit() for _ in range(33)]]

    assert sorted(form.run(parent)) == list(range(33))


@pytest.mark.behaviour(38)
def test_33_nested_submits_finish(form: Form):
    @task
    @form
    def depth(levels: int):
        return 1 + depth.submit(levels - 1).result() if levels > 1 else 1

    @flow
    @form
    def parent():
        return depth.submit(33).result()

    assert form.run(parent) == 33


@pytest.mark.behaviour(38)
@pytest.mark.mends_the_original
def test_a_thread_that_waits_for_a_future_lends_its_place():
    @task
    def depth(levels: int):
        return 1 + depth.submit(levels - 1).result() if levels > 1 else 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def parent():
        return depth.submit(10).result()

    assert parent() == 10


@pytest.mark.behaviour(38)
def test_a_runner_that_is_not_started_refuses_work():
    @task
    def nothing():
        pass

    with pytest.raises(RuntimeError, match="Task runner is not started"):
        ThreadPoolTaskRunner().submit(nothing, parameters={})

"""Where the inputs of a task run came from: `task_inputs` (behaviour 31)."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.client.schemas.objects import TaskRunResult
from prefect.context import TaskRunContext


@task
def good(x: Any = 1) -> Any:
    return x


def _tracked(inputs: dict[str, list[Any]]) -> dict[str, list[str]]:
    assert all(type(source) is TaskRunResult for sources in inputs.values() for source in sources)
    return {name: sorted(str(source.id) for source in sources) for name, sources in inputs.items()}


def tracking(form: Form) -> Any:
    """A task that tells where its inputs came from."""

    @task
    @form
    def inputs(a=None, b=None):
        return _tracked(TaskRunContext.get().task_run.task_inputs)

    return inputs


@pytest.mark.behaviour(31)
@pytest.mark.parametrize("submit", [False, True], ids=["called", "submitted"])
def test_inputs_are_tracked_from_futures_and_states(submit: bool, form: Form):
    inputs = tracking(form)

    @flow
    @form
    def parent():
        future, state = good.submit(7), good(8, return_state=True)
        found = inputs.submit(future, b=state).result() if submit else (yield inputs(future, b=state))
        return found, str(future.task_run_id), str(state.state_details.task_run_id)

    found, from_future, from_state = form.run(parent)
    assert found == {"a": [from_future], "b": [from_state]}


@pytest.mark.behaviour(31)
def test_inputs_are_tracked_from_results_by_identity(form: Form):
    inputs = tracking(form)

    @task
    @form
    def make():
        return {"made": 1}, str(TaskRunContext.get().task_run.id)

    @flow
    @form
    def parent():
        made = yield make()
        return (yield inputs(made, {"made": 1})), made[1]

    found, maker = form.run(parent)
    assert found == {"a": [maker], "b": []}


@pytest.mark.behaviour(31)
@pytest.mark.parametrize("singleton", [True, False, None, ..., NotImplemented], ids=repr)
def test_singletons_are_not_tracked(singleton: Any, form: Form):
    inputs = tracking(form)

    @task
    @form
    def give():
        return singleton

    @flow
    @form
    def parent():
        return (yield inputs((yield give())))

    assert form.run(parent) == {"a": [], "b": []}


@pytest.mark.behaviour(31)
def test_inputs_are_tracked_inside_collections(form: Form):
    inputs = tracking(form)

    @flow
    @form
    def parent():
        first, second = good.submit("first"), good.submit("second")
        found = yield inputs([first, {"a": second}])
        return found["a"], sorted([str(first.task_run_id), str(second.task_run_id)])

    found, expected = form.run(parent)
    assert found == expected


@pytest.mark.behaviour(31)
def test_wait_for_is_tracked(form: Form):
    inputs = tracking(form)

    @flow
    @form
    def parent():
        upstream = good.submit()
        return (yield inputs("a", wait_for=[upstream])), str(upstream.task_run_id)

    found, upstream = form.run(parent)
    assert found == {"a": [], "b": [], "wait_for": [upstream]}


@pytest.mark.behaviour(31)
def test_the_task_that_calls_a_task_is_tracked_as_its_parent(form: Form):
    inputs = tracking(form)

    @task
    @form
    def outer():
        return (yield inputs("a")), str(TaskRunContext.get().task_run.id)

    @flow
    @form
    def parent():
        return (yield outer())

    found, caller = form.run(parent)
    assert found == {"a": [], "b": [], "__parents__": [caller]}


@pytest.mark.mends_the_original  # there it sometimes is
@pytest.mark.behaviour(31)
def test_a_new_object_is_not_mistaken_for_a_result_that_is_gone(form: Form):
    inputs = tracking(form)

    @task
    @form
    def give():
        return object()

    @flow
    @form
    def parent():
        found = []
        for _ in range(50):
            yield give()  # dropped at once, so that the next object may take its address
            found.append((yield inputs(object())))
        return found

    assert form.run(parent) == [{"a": [], "b": []}] * 50

"""The names and keys of task runs, and how a subflow hangs on its parent (behaviours 39 and 40)."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import flow_run


def own_id() -> UUID:
    """The id of the flow run that asks."""
    return FlowRunContext.get().flow_run.id


# --- task runs --------------------------------------------------------------------------------------


@pytest.mark.behaviour(39)
@pytest.mark.parametrize("how", ["called", "submitted"])
def test_task_run_in_a_flow_is_named_after_the_start_of_its_key(form: Form, how: str):
    @task
    @form
    def load():
        run = TaskRunContext.get().task_run
        return run.name, run.dynamic_key

    @flow
    @form
    def parent():
        if how == "called":
            return (yield load()), (yield load())
        return load.submit().result(), load.submit().result()

    runs = form.run(parent)
    for name, key in runs:
        assert str(UUID(key)) == key
        assert name == f"load-{key[:3]}"
    assert runs[0][1] != runs[1][1]


@pytest.mark.behaviour(39)
def test_task_run_outside_a_flow_bears_the_plain_name(form: Form):
    @task
    @form
    def load():
        return TaskRunContext.get().task_run.name

    assert form.run(load) == "load"


@pytest.mark.behaviour(39)
def test_task_key_is_the_name_and_eight_hex_digits(form: Form):
    @task(name="Load it")
    @form
    def load():
        return TaskRunContext.get().task_run.task_key

    assert re.fullmatch(r"load-[0-9a-f]{8}", load.task_key)
    assert form.run(load) == load.task_key


@pytest.mark.behaviour(39)
def test_task_runs_are_on_record_under_their_names(form: Form):
    @task
    @form
    def load():
        return TaskRunContext.get().task_run.name

    @flow
    @form
    def parent():
        return (yield load()), load.submit().result(), own_id()

    first, second, run_id = form.run(parent)
    runs = observe.task_runs_of(run_id)
    assert [run.name for run in runs] == [first, second]
    assert {run.task_key for run in runs} == {load.task_key}


# --- subflows ---------------------------------------------------------------------------------------


@pytest.mark.behaviour(40)
def test_each_call_of_a_subflow_has_a_numbered_task_run_in_the_parent(form: Form):
    @flow(name="My Flow")
    @form
    def child():
        return own_id()

    @flow(name="Other Flow")
    @form
    def other():
        return own_id()

    @flow
    @form
    def parent():
        children = [(yield child()), (yield child()), (yield other()), (yield child())]
        return own_id(), children

    parent_id, children = form.run(parent)
    tracking = [observe.task_run(observe.flow_run(run_id).parent_task_run_id) for run_id in children]
    assert [run.name for run in tracking] == ["My Flow-0", "My Flow-1", "Other Flow-0", "My Flow-2"]
    assert {run.flow_run_id for run in tracking} == {parent_id}
    assert {run.state_type for run in tracking} == {"COMPLETED"}


@pytest.mark.behaviour(40)
def test_a_subflow_called_by_a_task_is_keyed_by_a_uuid(form: Form):
    @flow(name="My Flow")
    @form
    def child():
        return own_id()

    @task
    @form
    def middle():
        return (yield child())

    @flow
    @form
    def parent():
        return own_id(), (yield middle())

    parent_id, child_id = form.run(parent)
    tracking = observe.task_run(observe.flow_run(child_id).parent_task_run_id)
    prefix, _, key = tracking.name.partition("-")
    assert prefix == "My Flow"
    assert str(UUID(key)) == key
    assert tracking.flow_run_id == parent_id


@pytest.mark.behaviour(40)
def test_child_and_tracking_task_run_name_each_other(form: Form):
    @flow
    @form
    def child():
        return own_id(), flow_run.parent_flow_run_id

    @flow
    @form
    def parent():
        return own_id(), (yield child(return_state=True))

    parent_id, state = form.run(parent)
    child_id, parent_seen_by_child = form.run(state.result)
    recorded = observe.flow_run(child_id)
    assert state.state_details.flow_run_id == child_id
    assert state.state_details.task_run_id == recorded.parent_task_run_id
    assert observe.task_run(recorded.parent_task_run_id).flow_run_id == parent_id
    assert parent_seen_by_child == str(parent_id)


@pytest.mark.behaviour(40)
def test_a_failed_subflow_fails_its_tracking_task_run(form: Form):
    @flow
    @form
    def child():
        raise ValueError("x")

    @flow
    @form
    def parent():
        state = yield child(return_state=True)
        return own_id(), state.state_details.task_run_id

    parent_id, tracking_id = form.run(parent)
    assert observe.task_run(tracking_id).state_type == "FAILED"
    assert observe.flow_run(parent_id).state_type == "COMPLETED"

"""Tags, and what `prefect.runtime` tells of the present run (behaviours 64 and 65)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, tags, task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import deployment, flow_run, task_run

# --- tags -------------------------------------------------------------------------------------------


@pytest.mark.behaviour(64)
def test_a_task_run_bears_the_tags_of_context_task_and_flow_run(form: Form):
    @task(tags=["of task"])
    @form
    def work():
        return task_run.tags

    @flow
    @form
    def parent():
        with tags("inside"):
            called = yield work()
            submitted = work.submit().result()
        return flow_run.tags, called, submitted, (yield work())

    with tags("outside"):
        seen = form.run(parent)
    everything = {"inside", "of task", "outside"}
    assert [set(found) for found in seen] == [{"outside"}, everything, everything, {"of task", "outside"}]


@pytest.mark.behaviour(64)
def test_a_subflow_bears_the_tags_around_its_call(form: Form):
    @flow
    @form
    def child():
        return FlowRunContext.get().flow_run.id

    @flow
    @form
    def parent():
        with tags("inside", "too"):
            return (yield child())

    with tags("outside"):
        child_id = form.run(parent)
    assert observe.flow_run(child_id).tags == ["inside", "outside", "too"]


@pytest.mark.behaviour(64)
def test_tags_end_with_their_block():
    with tags("a", "b") as outer:
        assert set(outer) == {"a", "b"}
        with tags("b", "c") as inner:
            assert set(inner) == {"a", "b", "c"}

    @task
    def work():
        return task_run.tags

    assert list(work()) == []


# --- outside of runs --------------------------------------------------------------------------------


@pytest.mark.behaviour(65)
@pytest.mark.parametrize(
    ("module", "unset"),
    [
        (
            flow_run,
            {
                "id": None,
                "tags": [],
                "name": None,
                "flow_name": None,
                "flow_version": None,
                "parameters": {},
                "parent_flow_run_id": None,
                "parent_deployment_id": None,
                "root_flow_run_id": None,
                "run_count": 0,
                "job_variables": None,
            },
        ),
        (
            task_run,
            {"id": None, "tags": [], "name": None, "parameters": {}, "run_count": 0, "task_name": None},
        ),
        (deployment, {"id": None, "flow_run_id": None, "name": None, "parameters": {}, "version": None}),
    ],
    ids=["flow_run", "task_run", "deployment"],
)
def test_what_is_not_there_has_an_empty_value(module: Any, unset: dict[str, Any]):
    assert {name: getattr(module, name) for name in unset} == unset
    assert {name: getattr(module, f"get_{name}")() for name in unset} == unset


@pytest.mark.behaviour(65)
def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        flow_run.nonsense


# --- inside runs ------------------------------------------------------------------------------------


@pytest.mark.behaviour(65)
def test_inside_a_run_it_tells_of_that_run(form: Form):
    @task
    @form
    def work(y: int = 2):
        own = (task_run.id, task_run.name, task_run.task_name, task_run.parameters, task_run.run_count)
        run = TaskRunContext.get().task_run
        return own == (str(run.id), run.name, "work", {"y": y}, 1), flow_run.id

    @flow(name="My Flow", version="v1")
    @form
    def parent(x: int, z: str = "z"):
        assert task_run.id is None
        called = yield work(3)
        submitted = work.submit().result()
        run = FlowRunContext.get().flow_run
        assert called == submitted == (True, str(run.id))
        assert (flow_run.id, flow_run.name) == (str(run.id), run.name)
        return flow_run.flow_name, flow_run.flow_version, flow_run.parameters, flow_run.run_count

    assert form.run(parent, 1) == ("My Flow", "v1", {"x": 1, "z": "z"}, 1)


@pytest.mark.behaviour(65)
def test_ids_are_strings_and_lead_up_to_the_root(form: Form):
    @flow
    @form
    def grandchild():
        return flow_run.parent_flow_run_id, flow_run.root_flow_run_id

    @flow
    @form
    def child():
        return flow_run.id, flow_run.parent_flow_run_id, flow_run.root_flow_run_id, (yield grandchild())

    @flow
    @form
    def parent():
        return flow_run.id, flow_run.root_flow_run_id, flow_run.parent_flow_run_id, (yield child())

    parent_id, root, above, (child_id, *over_child, over_grandchild) = form.run(parent)
    assert str(UUID(parent_id)) == parent_id == root
    assert above is None
    assert over_child == [parent_id, parent_id]
    assert over_grandchild == (child_id, parent_id)


@pytest.mark.behaviour(65)
def test_scheduled_start_time_is_a_time(form: Form):
    @flow
    @form
    def parent():
        return flow_run.scheduled_start_time

    assert isinstance(form.run(parent), datetime)


# --- the environment --------------------------------------------------------------------------------


@pytest.mark.behaviour(65)
def test_the_environment_overrides_by_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__NAME", "mocked")
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT", "7")
    monkeypatch.setenv("PREFECT__RUNTIME__TASK_RUN__TASK_NAME", "mocked too")
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__VERSION", "v2")
    assert (flow_run.name, flow_run.run_count) == ("mocked", 7)
    assert (task_run.task_name, deployment.version) == ("mocked too", "v2")


@pytest.mark.behaviour(65)
def test_the_environment_beats_the_run(form: Form, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__NAME", "mocked")

    @flow
    @form
    def parent():
        return flow_run.name

    assert form.run(parent) == "mocked"


@pytest.mark.behaviour(65)
@pytest.mark.parametrize("name", ["TAGS", "PARAMETERS"])
def test_lists_and_dicts_cannot_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(f"PREFECT__RUNTIME__FLOW_RUN__{name}", "x")
    with pytest.raises(ValueError, match="cannot be mocked"):
        getattr(flow_run, name.lower())


@pytest.mark.behaviour(65)
def test_the_run_beats_the_flow_run_id_of_the_environment(form: Form, monkeypatch: pytest.MonkeyPatch):
    given = "11111111-1111-1111-1111-111111111111"
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", given)

    @flow
    @form
    def parent():
        return flow_run.id, str(FlowRunContext.get().flow_run.id)

    seen, own = form.run(parent)
    assert seen == own != given
    assert flow_run.id == given

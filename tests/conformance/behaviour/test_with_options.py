"""Flows and tasks with other options than they were made with (behaviour 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.cache_policies import INPUTS, NO_CACHE


def nothing() -> None:
    """Do nothing."""


def hook(*_: Any) -> None:
    """Do nothing about a state."""


FLOW_OPTIONS: dict[str, Any] = {
    "name": "renamed",
    "version": "v2",
    "retries": 3,
    "retry_delay_seconds": 5,
    "description": "new",
    "flow_run_name": "run",
    "timeout_seconds": 7.0,
    "validate_parameters": False,
    "persist_result": True,
    "result_serializer": "json",
    "cache_result_in_memory": False,
    "log_prints": True,
}
TASK_OPTIONS: dict[str, Any] = {
    "name": "renamed",
    "description": "new",
    "tags": {"a", "b"},
    "cache_policy": INPUTS,
    "cache_key_fn": None,
    "task_run_name": "run",
    "cache_expiration": None,
    "retries": 3,
    "retry_delay_seconds": 5,
    "retry_jitter_factor": 0.5,
    "persist_result": True,
    "result_serializer": "json",
    "cache_result_in_memory": False,
    "timeout_seconds": 7.0,
    "log_prints": True,
    "refresh_cache": True,
    "retry_condition_fn": hook,
    "viz_return_value": 42,
}


@pytest.mark.behaviour(8)
@pytest.mark.parametrize(
    ("decorator", "options", "attributes"),
    [(flow, FLOW_OPTIONS, {"validate_parameters": "should_validate_parameters"}), (task, TASK_OPTIONS, {})],
    ids=["flow", "task"],
)
def test_with_options_makes_a_new_object_and_leaves_the_old_one(
    decorator: Any, options: dict[str, Any], attributes: dict[str, str], form: Form
):
    original = decorator(form(nothing))
    before = {option: getattr(original, attributes.get(option, option)) for option in options}
    changed = original.with_options(**options)
    assert type(changed) is type(original)
    assert changed is not original
    assert changed.fn is original.fn
    for option, value in options.items():
        assert getattr(changed, attributes.get(option, option)) == value, option
        assert getattr(original, attributes.get(option, option)) == before[option], option


@pytest.mark.behaviour(8)
@pytest.mark.parametrize("decorator", [flow, task])
def test_with_options_keeps_what_it_is_not_given(decorator: Any):
    original = decorator(
        name="n",
        description="d",
        version="v",
        retries=2,
        retry_delay_seconds=3,
        timeout_seconds=4,
        persist_result=True,
        log_prints=True,
        on_failure=[hook],
    )(nothing)
    changed = original.with_options(name="m")
    assert changed.name == "m"
    for option in (
        "description",
        "version",
        "retries",
        "retry_delay_seconds",
        "timeout_seconds",
        "persist_result",
        "log_prints",
        "on_failure_hooks",
    ):
        assert getattr(changed, option) == getattr(original, option), option


@pytest.mark.behaviour(8)
@pytest.mark.parametrize("decorator", [flow, task])
def test_with_options_can_switch_options_off(decorator: Any):
    original = decorator(retries=3, timeout_seconds=10)(nothing)
    assert original.with_options(retries=0).retries == 0
    assert original.with_options(timeout_seconds=0).timeout_seconds is None


@pytest.mark.behaviour(8)
@pytest.mark.parametrize("decorator", [flow, task])
def test_with_options_can_reset_result_storage(decorator: Any, tmp_path: Path):
    original = decorator(result_storage=tmp_path)(nothing)
    assert original.with_options(name="m").result_storage == tmp_path
    assert original.with_options(result_storage=None).result_storage is None


@pytest.mark.behaviour(8)
def test_options_changed_by_with_options_take_effect(form: Form):
    attempts = []

    @task(retries=2)
    @form
    def failing():
        attempts.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        form.run(failing.with_options(retries=0))
    assert len(attempts) == 1


@pytest.mark.behaviour(8)
def test_with_options_refuses_what_the_decorator_does_not_take():
    with pytest.raises(TypeError, match="foo"):
        flow(nothing).with_options(foo=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="foo"):
        task(nothing).with_options(foo=1)  # type: ignore[call-arg]


@pytest.mark.behaviour(8)
def test_with_options_of_a_bound_method_stays_bound(form: Form):
    class Scale:
        factor = 3

        @task
        @form
        def by_task(self, x):
            return self.factor * x

        @flow
        @form
        def by_flow(self, x):
            return self.factor * x

    scale = Scale()
    assert form.run(scale.by_task.with_options(name="renamed"), 2) == 6
    assert form.run(scale.by_flow.with_options(name="renamed"), 2) == 6


@pytest.mark.behaviour(8, 53)
def test_with_options_can_take_a_cache_policy_away():
    cached = task(cache_policy=INPUTS)(nothing)
    assert cached.with_options(cache_policy=NO_CACHE).cache_policy == NO_CACHE
    assert cached.with_options(name="m").cache_policy == INPUTS

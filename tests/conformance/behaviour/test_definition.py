"""What `@flow` and `@task` make of a function, before anything runs (behaviours 1 to 7)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import Flow, flow, task
from prefect.exceptions import InvalidNameError, ReservedArgumentError
from prefect.runtime import flow_run, task_run


def nothing() -> None:
    """Do nothing."""


async def async_nothing() -> None:
    """Do nothing, later."""


# --- names ------------------------------------------------------------------------------------------


@pytest.mark.behaviour(1)
def test_flow_is_named_after_its_function_with_dashes(form: Form):
    @flow
    @form
    def my_first_flow():
        return 1

    assert my_first_flow.name == "my-first-flow"
    assert my_first_flow.__name__ == "my_first_flow"


@pytest.mark.behaviour(1)
def test_task_is_named_exactly_as_its_function(form: Form):
    @task
    @form
    def my_first_task():
        return 1

    assert my_first_task.name == "my_first_task"


@pytest.mark.behaviour(1)
def test_lambda_flow_is_unknown_lambda():
    assert flow(lambda: 1).name == "unknown-lambda"


@pytest.mark.behaviour(1)
@pytest.mark.parametrize("character", ["/", "%", "&", ">", "<"])
def test_flow_name_refuses_reserved_characters(character: str):
    with pytest.raises(InvalidNameError) as caught:
        flow(name=f"a{character}b")(nothing)
    assert str(caught.value) == (
        f"Name 'a{character}b' contains an invalid character. "
        "Must not contain any of: ['/', '%', '&', '>', '<']."
    )


@pytest.mark.behaviour(1)
@pytest.mark.parametrize("character", ["/", "%", "&", ">", "<"])
def test_task_names_are_not_validated(character: str):
    assert task(name=f"a{character}b")(nothing).name == f"a{character}b"


@pytest.mark.behaviour(2)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (1, "Expected string for flow parameter 'name'; got int instead."),
        (["a"], "Expected string for flow parameter 'name'; got list instead."),
        (
            nothing,
            "Expected string for flow parameter 'name'; got function instead. Perhaps you meant to call it?",
        ),
    ],
)
def test_flow_name_must_be_a_string(name: Any, message: str):
    with pytest.raises(TypeError) as caught:
        flow(name=name)(nothing)
    assert str(caught.value).startswith(message)


@pytest.mark.behaviour(1)
def test_flow_renamed_by_with_options_is_validated_too():
    with pytest.raises(InvalidNameError):
        flow(nothing).with_options(name="a/b")


# --- the function -----------------------------------------------------------------------------------


@pytest.mark.behaviour(3)
@pytest.mark.parametrize("decorator", [flow, task])
def test_only_callables_can_be_decorated(decorator: Any):
    with pytest.raises(TypeError, match="'fn' must be callable"):
        decorator("not a function")


@pytest.mark.behaviour(3)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("reserved", ["wait_for", "return_state"])
def test_reserved_parameter_names_are_refused_at_decoration(decorator: Any, reserved: str, form: Form):
    bodies = {"wait_for": lambda wait_for: wait_for, "return_state": lambda return_state: return_state}
    with pytest.raises(ReservedArgumentError) as caught:
        decorator(form(bodies[reserved]))
    assert str(caught.value) == f"'{reserved}' is a reserved argument name and cannot be used."


@pytest.mark.behaviour(3)
def test_parameter_names_that_pydantic_cannot_validate_are_refused(form: Form):
    def takes(v__args: int):
        return v__args

    with pytest.raises(ValueError, match="Flow function is not compatible with `validate_parameters`"):
        flow(form(takes))


@pytest.mark.behaviour(3)
def test_those_names_are_fine_without_validation(form: Form):
    @flow(validate_parameters=False)
    @form
    def takes(v__args):
        return v__args

    assert form.run(takes, 3) == 3


# --- version and description ------------------------------------------------------------------------


def _flow_from(path: Path, source: str) -> Flow[..., Any]:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pipeline


SOURCE = """\
from prefect import flow

@flow
{keyword} pipeline():
    return 1
"""


@pytest.mark.behaviour(4)
@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_flow_version_is_a_hash_of_its_source_file(tmp_path: Path, keyword: str):
    source = SOURCE.format(keyword=keyword)
    first = _flow_from(tmp_path / "first.py", source)
    copy = _flow_from(tmp_path / "copy.py", source)
    changed = _flow_from(tmp_path / "changed.py", source + "# changed\n")
    assert isinstance(first.version, str)
    assert first.version == copy.version
    assert first.version != changed.version


@pytest.mark.behaviour(4)
@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_flow_without_a_source_file_has_no_version(keyword: str):
    namespace: dict[str, Any] = {}
    exec(SOURCE.format(keyword=keyword), namespace)
    assert namespace["pipeline"].version is None


@pytest.mark.behaviour(4)
def test_versions_are_taken_as_given():
    assert flow(version="v1")(nothing).version == "v1"
    assert task(nothing).version is None
    assert task(version="v1")(nothing).version == "v1"


@pytest.mark.behaviour(4)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize(
    ("fn", "docstring"), [(nothing, "Do nothing."), (async_nothing, "Do nothing, later.")]
)
def test_description_is_the_docstring(decorator: Any, fn: Any, docstring: str):
    assert decorator(fn).description == docstring
    assert decorator(description="Something else.")(fn).description == "Something else."


# --- run names --------------------------------------------------------------------------------------


@pytest.mark.behaviour(5)
def test_flow_run_name_template_sees_parameters_and_defaults(form: Form):
    @flow(flow_run_name="load-{table}-{day}")
    @form
    def load(table, day="monday"):
        return flow_run.name

    assert form.run(load, "users") == "load-users-monday"
    assert form.run(load, table="users", day="friday") == "load-users-friday"


@pytest.mark.behaviour(5)
def test_task_run_name_template_sees_parameters_and_defaults(form: Form):
    @task(task_run_name="load-{table}-{day}")
    @form
    def load(table, day="monday"):
        return task_run.name

    assert form.run(load, "users") == "load-users-monday"
    assert form.run(load, table="users", day="friday") == "load-users-friday"


@pytest.mark.behaviour(5)
def test_run_names_may_be_callables(form: Form):
    @task(task_run_name=lambda: "task-by-call")
    @form
    def step():
        return task_run.name

    @flow(flow_run_name=lambda: "flow-by-call")
    @form
    def parent():
        return flow_run.name, (yield step())

    assert form.run(parent) == ("flow-by-call", "task-by-call")


@pytest.mark.behaviour(5)
def test_callable_task_run_name_may_take_the_parameters(form: Form):
    @task(task_run_name=lambda parameters: f"load-{parameters['table']}")
    @form
    def load(table):
        return task_run.name

    assert form.run(load, "users") == "load-users"


@pytest.mark.behaviour(5)
def test_flow_run_name_is_on_record(form: Form):
    @flow(flow_run_name="load-{table}")
    @form
    def load(table):
        return None

    state = form.run(load, "users", return_state=True)
    assert observe.flow_run(state.state_details.flow_run_id).name == "load-users"


@pytest.mark.behaviour(5)
def test_run_name_is_evaluated_once_per_run_not_per_retry(form: Form):
    flow_names, task_names, seen = iter("abc"), iter("xyz"), []

    @task(retries=1, task_run_name=lambda: next(task_names))
    @form
    def flaky():
        seen.append(task_run.name)
        raise ValueError("again")

    @flow(retries=1, flow_run_name=lambda: next(flow_names))
    @form
    def parent():
        seen.append(flow_run.name)
        yield flaky()

    form.run(parent, return_state=True)
    # Two attempts of the flow run, each with a new task run of two attempts.
    assert seen == ["a", "x", "x", "a", "y", "y"]


@pytest.mark.behaviour(5)
def test_unknown_key_in_a_run_name_is_a_key_error(form: Form):
    @flow(flow_run_name="{missing}")
    @form
    def misnamed_flow(x):
        return x

    @task(task_run_name="{missing}")
    @form
    def misnamed_task(x):
        return x

    with pytest.raises(KeyError, match="missing"):
        form.run(misnamed_flow, 1)
    with pytest.raises(KeyError, match="missing"):
        form.run(misnamed_task, 1)


@pytest.mark.behaviour(5)
@pytest.mark.parametrize(("decorator", "option"), [(flow, "flow_run_name"), (task, "task_run_name")])
def test_run_name_of_a_wrong_type_is_refused_at_definition(decorator: Any, option: str):
    with pytest.raises(TypeError) as caught:
        decorator(**{option: 1})(nothing)
    assert str(caught.value) == f"Expected string or callable for '{option}'; got int instead."


@pytest.mark.behaviour(5)
@pytest.mark.parametrize(("decorator", "option"), [(flow, "flow_run_name"), (task, "task_run_name")])
def test_run_name_of_a_wrong_type_is_refused_at_run_time(decorator: Any, option: str, form: Form):
    definition = decorator(form(nothing))
    setattr(definition, option, 1)
    with pytest.raises(TypeError) as caught:
        form.run(definition)
    assert str(caught.value) == f"Expected string or callable for '{option}'; got int instead."


@pytest.mark.behaviour(5)
@pytest.mark.parametrize(("decorator", "option"), [(flow, "flow_run_name"), (task, "task_run_name")])
def test_callable_run_name_must_return_a_string(decorator: Any, option: str, form: Form):
    definition = decorator(**{option: nothing})(form(nothing))
    with pytest.raises(TypeError) as caught:
        form.run(definition)
    assert str(caught.value) == (
        f"Callable {nothing} for '{option}' returned type NoneType but a string is required."
    )


# --- hooks ------------------------------------------------------------------------------------------

FLOW_HOOKS = ["on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running"]
TASK_HOOKS = ["on_completion", "on_failure", "on_running"]
EVERY_HOOK = [(flow, "flow", hook) for hook in FLOW_HOOKS] + [(task, "task", hook) for hook in TASK_HOOKS]


@pytest.mark.behaviour(6)
@pytest.mark.parametrize(("decorator", "kind", "hook"), EVERY_HOOK)
def test_a_hook_must_come_in_a_list(decorator: Any, kind: str, hook: str):
    with pytest.raises(TypeError) as caught:
        decorator(**{hook: nothing})(nothing)
    assert str(caught.value) == (
        f"Expected iterable for '{hook}'; got function instead. Please provide a list of hooks to '{hook}':\n\n"
        f"@{kind}({hook}=[hook1, hook2])\ndef my_{kind}():\n\tpass"
    )


@pytest.mark.behaviour(6)
@pytest.mark.parametrize(("decorator", "kind", "hook"), EVERY_HOOK)
def test_every_hook_must_be_callable(decorator: Any, kind: str, hook: str):
    with pytest.raises(TypeError) as caught:
        decorator(**{hook: [nothing, "not a hook"]})(nothing)
    assert str(caught.value).startswith(f"Expected callables in '{hook}'")


# --- retries ----------------------------------------------------------------------------------------


@pytest.mark.behaviour(7)
@pytest.mark.parametrize("delay", [1, 0.5, [1, 2, 3], [0.5], lambda retries: [1] * retries])
def test_task_retry_delay_may_be_a_number_a_list_or_a_callable(delay: Any):
    assert task(retries=3, retry_delay_seconds=delay)(nothing).retries == 3


@pytest.mark.behaviour(7)
def test_callable_retry_delay_is_asked_once_with_the_number_of_retries():
    asked: list[int] = []

    def delays(retries: int) -> list[float]:
        asked.append(retries)
        return [1.0] * retries

    assert task(retries=4, retry_delay_seconds=delays)(nothing).retry_delay_seconds == [1.0] * 4
    assert asked == [4]


@pytest.mark.behaviour(7)
@pytest.mark.parametrize("delay", ["ten", {"seconds": 1}])
def test_task_retry_delay_of_another_type_is_refused(delay: Any):
    with pytest.raises(TypeError, match="^Invalid"):
        task(retries=1, retry_delay_seconds=delay)(nothing)


@pytest.mark.behaviour(7)
def test_at_most_fifty_retry_delays():
    assert task(retries=50, retry_delay_seconds=[1] * 50)(nothing).retry_delay_seconds == [1] * 50
    with pytest.raises(ValueError, match="^Can not configure more"):
        task(retries=51, retry_delay_seconds=[1] * 51)(nothing)


@pytest.mark.behaviour(7)
def test_negative_retry_jitter_is_refused():
    with pytest.raises(ValueError, match="`retry_jitter_factor` must be >= 0"):
        task(retries=1, retry_jitter_factor=-0.1)(nothing)


@pytest.mark.behaviour(7)
def test_retry_condition_must_be_callable():
    with pytest.raises(TypeError):
        task(retries=1, retry_condition_fn="not callable")(nothing)  # type: ignore[arg-type]

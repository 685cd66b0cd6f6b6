"""What `@flow` and `@task` make of a function, before anything runs (behaviours 1 to 9)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import Flow, flow, task
from prefect.cache_policies import INPUTS, NO_CACHE
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


# --- with_options -----------------------------------------------------------------------------------


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


# --- methods ----------------------------------------------------------------------------------------


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_instance_methods(decorator: Any, form: Form):
    class Counter:
        step = 2

        @decorator
        @form
        def add(self, x):
            return self.step + x

    counter = Counter()
    assert form.run(counter.add, 1) == 3
    assert form.run(counter.add, x=1) == 3
    assert type(counter.add) is type(Counter.add) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_instance_methods_called_on_the_class(decorator: Any, form: Form):
    class Counter:
        step = 2

        @decorator
        @form
        def add(self, x):
            return self.step + x

    assert form.run(Counter.add, Counter(), 1) == 3


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("decorator_is_outer", [True, False])
def test_class_methods_in_either_decorator_order(decorator: Any, decorator_is_outer: bool, form: Form):
    def add(cls, x):
        return cls.step + x

    class Counter:
        step = 2
        method = (
            decorator(classmethod(form(add))) if decorator_is_outer else classmethod(decorator(form(add)))
        )

    class Bigger(Counter):
        step = 10

    assert form.run(Counter.method, 1) == 3
    assert form.run(Counter().method, 1) == 3
    assert form.run(Bigger.method, 1) == 11
    assert type(Counter.method) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("decorator_is_outer", [True, False])
def test_static_methods_in_either_decorator_order(decorator: Any, decorator_is_outer: bool, form: Form):
    def double(x):
        return x * 2

    class Tools:
        method = (
            decorator(staticmethod(form(double)))
            if decorator_is_outer
            else staticmethod(decorator(form(double)))
        )

    assert form.run(Tools.method, 2) == 4
    assert type(Tools.method) is type(decorator(nothing))


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_subclasses_bind_to_themselves(decorator: Any, form: Form):
    class Base:
        def value(self):
            return "base"

        @decorator
        @form
        def show(self):
            return self.value()

    class Derived(Base):
        def value(self):
            return "derived"

    assert form.run(Base().show) == "base"
    assert form.run(Derived().show) == "derived"


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("decorator", [flow, task])
def test_self_and_arguments_are_not_copied(decorator: Any, form: Form):
    class Holder:
        @decorator
        @form
        def keep(self, items):
            self.kept = items
            return self

    holder, items = Holder(), [1, 2]
    assert form.run(holder.keep, items) is holder
    assert holder.kept is items


@pytest.mark.behaviour(9)
def test_bound_tasks_submit_and_map(form: Form):
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @task
        @form
        def by(self, x):
            return self.factor * x

    @flow
    @form
    def parent():
        scale = Scale(3)
        return scale.by.submit(2).result(), scale.by.map([1, 2]).result()

    assert form.run(parent) == (6, [3, 6])


@pytest.mark.mends_the_original  # there, looking a method up on one instance rebinds it for every holder
@pytest.mark.behaviour(9)
def test_two_instances_do_not_share_a_binding(form: Form):
    class Named:
        def __init__(self, name):
            self.name = name

        @task
        @form
        def tell(self):
            return self.name

    tell_first, tell_second = Named("first").tell, Named("second").tell
    assert form.run(tell_second) == "second"
    assert form.run(tell_first) == "first"

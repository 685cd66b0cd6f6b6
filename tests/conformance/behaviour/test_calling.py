"""What a call does with its arguments, and when a call is awaited (behaviours 10 to 13)."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.exceptions import ParameterBindError, ParameterTypeError
from prefect.states import Completed

# --- binding ----------------------------------------------------------------------------------------


@pytest.mark.behaviour(10)
@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("options", [{}, {"return_state": True}], ids=["plain", "return_state"])
@pytest.mark.parametrize(
    ("args", "kwargs", "problem", "received"),
    [
        ((), {}, "missing a required argument: 'x'", "args: () and kwargs: []"),
        ((1, 2), {}, "too many positional arguments", "args: (1, 2) and kwargs: []"),
        ((1,), {"y": 2}, "got an unexpected keyword argument 'y'", "args: (1,) and kwargs: ['y']"),
    ],
    ids=["missing", "too-many", "unexpected"],
)
def test_arguments_that_do_not_fit_raise_at_once(
    decorator: Any, options: dict[str, Any], args: Any, kwargs: Any, problem: str, received: str, form: Form
):
    @decorator
    @form
    def f(x):
        return x

    # No `form.run`: a coroutine function raises when called, before it is awaited.
    with pytest.raises(ParameterBindError) as caught:
        f(*args, **kwargs, **options)
    assert str(caught.value) == (
        f"Error binding parameters for function 'f': {problem}.\n"
        f"Function 'f' has signature 'x' but received {received}."
    )
    assert isinstance(caught.value, TypeError)


@pytest.mark.behaviour(10)
@pytest.mark.parametrize("decorator", [flow, task])
def test_binding_errors_show_annotations_as_written(decorator: Any, form: Form):
    def f(x, *, y=1):
        return x

    f.__annotations__ = {"x": int, "y": float}  # evaluated, as in a module without postponed annotations
    with pytest.raises(ParameterBindError) as caught:
        decorator(form(f))(y=2)
    assert str(caught.value) == (
        "Error binding parameters for function 'f': missing a required argument: 'x'.\n"
        "Function 'f' has signature 'x: int, *, y: float = 1' but received args: () and kwargs: ['y']."
    )


@pytest.mark.behaviour(10)
def test_submit_raises_binding_errors_at_once_too(form: Form):
    @task
    @form
    def one(x):
        return x

    @flow
    @form
    def parent():
        with pytest.raises(ParameterBindError, match="missing a required argument: 'x'"):
            one.submit()
        return "went on"

    assert form.run(parent) == "went on"


@pytest.mark.behaviour(10)
def test_no_run_is_made_for_arguments_that_do_not_fit(form: Form):
    @flow(name="never-bound")
    @form
    def never_bound(x):
        return x

    with pytest.raises(ParameterBindError):
        never_bound()
    assert observe.flow_runs_of("never-bound") == []


# --- validation -------------------------------------------------------------------------------------


class Point(BaseModel):
    x: int
    y: int = 0


@pytest.mark.behaviour(11)
def test_flows_coerce_by_annotation(form: Form):
    @flow
    @form
    def typed(n: int, point: Point, flag: bool = False):
        return n, point, flag

    assert form.run(typed, "3", {"x": "4"}, flag="yes") == (3, Point(x=4), True)


@pytest.mark.behaviour(11)
def test_flows_coerce_dict_defaults_to_models(form: Form):
    @flow
    @form
    def typed(point: Point = {"x": "4"}):  # type: ignore[assignment]
        return point

    assert form.run(typed) == Point(x=4)


@pytest.mark.behaviour(11)
def test_unannotated_parameters_pass_as_they_are(form: Form):
    @flow
    @form
    def untyped(x):
        return x

    marker = object()
    assert form.run(untyped, marker) is marker


@pytest.mark.behaviour(11)
def test_flows_coerce_nothing_when_told_not_to(form: Form):
    @flow(validate_parameters=False)
    @form
    def typed(n: int):
        return n

    assert form.run(typed, "3") == "3"


@pytest.mark.behaviour(11)
def test_tasks_never_coerce(form: Form):
    @task
    @form
    def typed(n: int):
        return n

    assert form.run(typed, "3") == "3"


@pytest.mark.behaviour(11)
def test_invalid_parameters_fail_the_run_without_calling_the_function(form: Form):
    called, failures = [], []

    @flow(on_failure=[lambda flow, flow_run, state: failures.append((flow.name, state.name))])
    @form
    def strict(x: int, point: Point):
        called.append(1)

    state = form.run(strict, "abc", {"x": "def"}, return_state=True)

    message = (
        "Validation of flow parameters failed with error: ParameterTypeError: "
        "Flow run received invalid parameters:\n"
        " - x: Input should be a valid integer, unable to parse string as an integer\n"
        " - point.x: Input should be a valid integer, unable to parse string as an integer"
    )
    assert (state.type.value, state.name, state.message) == ("FAILED", "Failed", message)
    assert not called
    assert failures == [("strict", "Failed")]
    run = observe.flow_run(state.state_details.flow_run_id)
    assert run.start_time is not None
    assert run.start_time == run.end_time
    assert (run.state_type, run.message) == ("FAILED", message)
    assert observe.flow_run_states(run.id) == [("PENDING", "Pending"), ("FAILED", "Failed")]


@pytest.mark.behaviour(11)
def test_direct_call_with_invalid_parameters_raises_parameter_type_error(form: Form):
    failures = []

    @flow(on_failure=[lambda flow, flow_run, state: failures.append(state.name)])
    @form
    def strict(x: int):
        return x

    with pytest.raises(ParameterTypeError) as caught:
        form.run(strict, "abc")
    assert str(caught.value) == (
        "Flow run received invalid parameters:\n"
        " - x: Input should be a valid integer, unable to parse string as an integer"
    )
    assert failures == ["Failed"]


# --- parameters on record ---------------------------------------------------------------------------


class Cyclic:
    def __init__(self) -> None:
        self.me = self


@pytest.mark.behaviour(12)
@pytest.mark.parametrize(
    ("value", "stored"),
    [(Cyclic(), "<Cyclic>"), (threading.Lock(), "<lock>"), (object(), "<object>"), (1 + 2j, "<complex>")],
    ids=["cyclic", "lock", "object", "complex"],
)
def test_unserialisable_parameters_pass_by_identity(value: Any, stored: str, form: Form):
    got = []

    @flow
    @form
    def keep(x, y=1):
        got.append(x)

    state = form.run(keep, value, return_state=True)
    assert got[0] is value
    assert observe.flow_run(state.state_details.flow_run_id).parameters == {"x": stored, "y": 1}


@pytest.mark.behaviour(12)
def test_parameters_are_stored_as_json_with_defaults(form: Form):
    @flow
    @form
    def keep(point: Point, names=("a", "b"), nothing=None):
        return point

    state = form.run(keep, Point(x=1), return_state=True)
    assert observe.flow_run(state.state_details.flow_run_id).parameters == {
        "point": {"x": 1, "y": 0},
        "names": ["a", "b"],
        "nothing": None,
    }


@pytest.mark.behaviour(12)
def test_variadic_parameters_are_stored_nested(form: Form):
    @flow
    @form
    def variadic(*args, **kw):
        return args, kw

    state = form.run(variadic, 1, 2, a=3, return_state=True)
    assert state.result() == ((1, 2), {"a": 3})
    assert observe.flow_run(state.state_details.flow_run_id).parameters == {"args": [1, 2], "kw": {"a": 3}}


# --- awaiting ---------------------------------------------------------------------------------------


@pytest.mark.behaviour(13)
def test_state_result_is_synchronous_without_a_loop():
    assert Completed(data=5).result() == 5


@pytest.mark.behaviour(13)
async def test_state_result_is_awaitable_under_a_running_loop():
    pending = Completed(data=5).result()
    assert inspect.isawaitable(pending)
    assert await pending == 5


@pytest.mark.behaviour(13)
@pytest.mark.parametrize("decorator", [flow, task])
async def test_state_result_is_synchronous_in_a_sync_run_even_under_a_loop(decorator: Any):
    @decorator
    def reads():
        return Completed(data=5).result()

    assert reads() == 5


@pytest.mark.behaviour(13)
@pytest.mark.parametrize("decorator", [flow, task])
async def test_state_result_is_awaitable_in_an_async_run(decorator: Any):
    @decorator
    async def reads():
        return await Completed(data=5).result()

    assert await reads() == 5


@pytest.mark.behaviour(13)
def test_future_methods_are_synchronous_in_both_forms(form: Form):
    @task
    @form
    def one():
        return 1

    @flow
    @form
    def parent():
        future = one.submit()
        assert future.wait() is None
        assert future.state.name == "Completed"
        return future.result()

    assert form.run(parent) == 1


@pytest.mark.behaviour(13)
async def test_submitting_is_not_awaitable():
    @task
    async def one():
        return 1

    @flow
    async def parent():
        await one.submit()

    with pytest.raises(TypeError, match="await"):
        await parent()


@pytest.mark.behaviour(13)
async def test_sync_flow_and_task_run_synchronously_under_a_loop():
    @task
    def one():
        return 1

    @flow
    def parent():
        return one() + one.submit().result()

    assert parent() == 2


@pytest.mark.behaviour(13)
async def test_sync_task_called_in_an_async_flow_returns_its_value():
    @task
    def one():
        return 1

    @flow
    async def parent():
        return one()

    assert await parent() == 1


@pytest.mark.behaviour(13)
def test_async_task_submitted_in_a_sync_flow_is_awaited_for_the_caller():
    @task
    async def one():
        return 1

    @flow
    def parent():
        return one.submit().result()

    assert parent() == 1

"""What `State.result` gives and raises, and how states print (behaviours 23 to 25)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.forms import Form
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    UnfinishedRun,
)
from prefect.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    Suspended,
)

Kind = Callable[..., State[Any]]


def by_name(kind: Any) -> str | None:
    return getattr(kind, "__name__", None)


# --- unfinished runs --------------------------------------------------------------------------------


@pytest.mark.behaviour(23)
@pytest.mark.parametrize("raise_on_failure", [True, False])
@pytest.mark.parametrize(
    ("kind", "type_name"),
    [
        (Pending, "PENDING"),
        (Running, "RUNNING"),
        (Retrying, "RUNNING"),
        (Scheduled, "SCHEDULED"),
        (Late, "SCHEDULED"),
        (AwaitingRetry, "SCHEDULED"),
        (Cancelling, "CANCELLING"),
    ],
    ids=by_name,
)
def test_an_unfinished_run_has_no_result(kind: Kind, type_name: str, raise_on_failure: bool, form: Form):
    with pytest.raises(UnfinishedRun) as caught:
        form.run(kind().result, raise_on_failure=raise_on_failure)
    assert str(caught.value) == f"Run is in {type_name} state, its result is not available."


@pytest.mark.behaviour(23)
@pytest.mark.parametrize("raise_on_failure", [True, False])
@pytest.mark.parametrize("kind", [Paused, Suspended], ids=by_name)
def test_a_paused_run_has_no_result(kind: Kind, raise_on_failure: bool, form: Form):
    with pytest.raises(PausedRun, match="^Run is paused, its result is not available.$"):
        form.run(kind().result, raise_on_failure=raise_on_failure)


@pytest.mark.behaviour(23)
@pytest.mark.parametrize("kind", [Failed, Crashed, Cancelled], ids=by_name)
def test_without_raising_the_exception_object_is_returned(kind: Kind, form: Form):
    error = ValueError("x")
    assert form.run(kind(data=error).result, raise_on_failure=False) is error
    with pytest.raises(ValueError, match="^x$"):
        form.run(kind(data=error).result)


@pytest.mark.behaviour(23)
@pytest.mark.parametrize(
    ("kind", "error"), [(Failed, FailedRun), (Crashed, CrashedRun), (Cancelled, CancelledRun)], ids=by_name
)
def test_without_raising_a_wrapper_stands_for_missing_data(kind: Kind, error: type[Exception], form: Form):
    returned = form.run(kind(message="no").result, raise_on_failure=False)
    assert type(returned) is error
    assert str(returned) == "no"


@pytest.mark.behaviour(23)
def test_a_completed_state_gives_its_data(form: Form):
    assert form.run(Completed(data=5).result) == 5


@pytest.mark.behaviour(23, 58)
@pytest.mark.parametrize("raise_on_failure", [True, False])
def test_a_completed_state_without_data_has_lost_its_result(raise_on_failure: bool, form: Form):
    with pytest.raises(MissingResult, match="^State data is missing. Typically, this occurs when result"):
        form.run(Completed().result, raise_on_failure=raise_on_failure)


@pytest.mark.behaviour(23)
def test_an_exception_in_a_completed_state_is_data(form: Form):
    error = ValueError("x")
    assert form.run(Completed(data=error).result) is error


# --- failed runs ------------------------------------------------------------------------------------


@pytest.mark.behaviour(24)
@pytest.mark.parametrize(
    ("kind", "wrapper", "default"),
    [
        (Failed, FailedRun, "Run failed."),
        (Crashed, CrashedRun, "Run crashed."),
        (Cancelled, CancelledRun, "Run cancelled."),
    ],
    ids=by_name,
)
def test_strings_and_nothing_are_wrapped(kind: Kind, wrapper: type[Exception], default: str, form: Form):
    for state, message in [
        (kind(data="text"), "text"),
        (kind(message="from the message"), "from the message"),
        (kind(data="text", message="not this"), "text"),
        (kind(), default),
    ]:
        with pytest.raises(wrapper) as caught:
            form.run(state.result)
        assert str(caught.value) == message


@pytest.mark.behaviour(24)
def test_a_nested_state_is_asked_in_turn(form: Form):
    with pytest.raises(ValueError, match="^inner$"):
        form.run(Failed(data=Failed(data=ValueError("inner"))).result)
    with pytest.raises(CrashedRun, match="^inner$"):
        form.run(Failed(data=Crashed(message="inner")).result)


@pytest.mark.behaviour(24)
@pytest.mark.parametrize("collection", [list, tuple])
def test_of_several_states_the_first_failure_is_raised(collection: type, form: Form):
    states = collection(
        [Completed(data=1), Failed(data=ValueError("first")), Failed(data=KeyError("second"))]
    )
    with pytest.raises(ValueError, match="^first$"):
        form.run(Failed(data=states).result)


@pytest.mark.behaviour(24)
@pytest.mark.parametrize("data", [5, {"a": 1}, []], ids=repr)
def test_other_data_cannot_become_an_exception(data: Any, form: Form):
    with pytest.raises(TypeError, match=f"{type(data).__name__} cannot be resolved into an exception"):
        form.run(Failed(data=data).result)


@pytest.mark.behaviour(24)
def test_a_nested_state_must_have_failed(form: Form):
    with pytest.raises(ValueError, match="Expected failed or crashed state got Completed"):
        form.run(Failed(data=Completed(data=1)).result)


@pytest.mark.behaviour(24)
def test_of_several_states_one_must_have_failed(form: Form):
    with pytest.raises(ValueError, match="none were failed"):
        form.run(Failed(data=[Completed(data=1)]).result)


# --- finality and printing --------------------------------------------------------------------------


@pytest.mark.behaviour(25)
@pytest.mark.parametrize("kind", [Completed, Failed, Crashed, Cancelled], ids=by_name)
def test_final_states(kind: Kind):
    assert kind().is_final()


@pytest.mark.behaviour(25)
@pytest.mark.parametrize("kind", [Pending, Running, Scheduled, Paused, Suspended, Cancelling], ids=by_name)
def test_states_that_are_not_final(kind: Kind):
    assert not kind().is_final()


@pytest.mark.behaviour(25)
@pytest.mark.parametrize(
    ("state", "text"),
    [
        (Completed(), "Completed()"),
        (Completed(data=5), "Completed()"),
        (Failed(message="x"), "Failed('x')"),
        (Completed(name="Z", message="y"), "Z('y', type=COMPLETED)"),
        (Completed(name="Z"), "Z(type=COMPLETED)"),
        (Retrying(), "Retrying(type=RUNNING)"),
        (State(type=StateType.COMPLETED, name="Z", message="y"), "Z('y', type=COMPLETED)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_states_as_text(state: State[Any], text: str):
    assert str(state) == text


@pytest.mark.behaviour(25)
@pytest.mark.parametrize(
    ("state", "representation"),
    [
        (Completed(), "Completed(message=None, type=COMPLETED, result=None)"),
        (Completed(data=5), "Completed(message=None, type=COMPLETED, result=5)"),
        (Failed(message="x"), "Failed(message='x', type=FAILED, result=None)"),
        (Failed(name="Z", message="y"), "Z(message='y', type=FAILED, result=None)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_states_as_representation(state: State[Any], representation: str):
    assert repr(state) == representation

"""How what a function returns or raises decides the state of its run (behaviours 14 to 22)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.exceptions import CancelledRun, CrashedRun, FailedRun, PausedRun, UnfinishedRun
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Cancelling, Completed, Crashed, Failed, Paused, Pending, Running
from prefect.utilities.annotations import quote


@task
def good(x: Any = 1) -> Any:
    return x


@task
def bad() -> None:
    raise ValueError("x")


def returning(form: Form, make: Callable[[], Any]) -> Any:
    """A flow that returns what `make` makes."""

    @flow
    @form
    def parent():
        return make()

    return parent


def end(state: State[Any]) -> tuple[str, str, str | None]:
    """What a state says in a word, a name and a line."""
    return state.type.value, state.name, state.message


# --- plain data and states --------------------------------------------------------------------------


@pytest.mark.behaviour(14)
@pytest.mark.parametrize("value", [5, None, "text", [], {}, [1, 2], {"a": 1}, (1, None)], ids=repr)
def test_plain_data_completes_a_flow_without_a_message(value: Any, form: Form):
    parent = returning(form, lambda: value)
    state = form.run(parent, return_state=True)
    assert end(state) == ("COMPLETED", "Completed", None)
    assert state.result() == value
    assert form.run(parent) == value


@pytest.mark.behaviour(14)
@pytest.mark.parametrize("value", [5, None, [1, 2], {"a": 1}], ids=repr)
def test_plain_data_completes_a_task_without_a_message(value: Any, form: Form):
    @task
    @form
    def give():
        return value

    state = form.run(give, return_state=True)
    assert end(state) == ("COMPLETED", "Completed", None)
    assert state.result() == value
    assert form.run(give) == value


@pytest.mark.behaviour(14)
def test_an_exception_object_that_is_returned_is_plain_data(form: Form):
    error = ValueError("returned, not raised")
    parent = returning(form, lambda: error)
    assert end(form.run(parent, return_state=True)) == ("COMPLETED", "Completed", None)
    assert form.run(parent) is error


@pytest.mark.behaviour(14)
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Completed(message="well done", name="Splendid"), ("COMPLETED", "Splendid", "well done")),
        (lambda: Failed(message="no", name="Hopeless"), ("FAILED", "Hopeless", "no")),
    ],
    ids=["completed", "failed"],
)
def test_a_state_of_no_run_becomes_the_final_state(
    make: Callable[[], State[Any]], expected: tuple[str, str, str], form: Form
):
    state = form.run(returning(form, make), return_state=True)
    assert end(state) == expected
    run = observe.flow_run(state.state_details.flow_run_id)
    assert (run.state_type, run.state_name, run.message) == expected


# --- aggregation ------------------------------------------------------------------------------------


@pytest.mark.behaviour(15)
@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([Completed, Completed], ("COMPLETED", "Completed", "All states completed.")),
        ([Completed, Failed], ("FAILED", "Failed", "1/2 states failed.")),
        ([Completed, Crashed], ("FAILED", "Failed", "1/2 states failed.")),
        ([Failed, Crashed, Completed], ("FAILED", "Failed", "2/3 states failed.")),
        ([Completed, Cancelled, Failed], ("CANCELLED", "Cancelled", "1/3 states cancelled.")),
        ([Completed, Paused], ("PAUSED", "Paused", "1/2 states paused.")),
        ([Failed, Paused], ("PAUSED", "Paused", "1/2 states paused.")),
        ([Completed, Running, Pending], ("FAILED", "Failed", "2/3 states are not final.")),
    ],
    ids=lambda value: "+".join(kind.__name__ for kind in value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("collection", [list, tuple])
def test_collections_of_states_aggregate(
    kinds: list[Callable[[], State[Any]]], expected: tuple[str, str, str], collection: type, form: Form
):
    state = form.run(returning(form, lambda: collection(kind() for kind in kinds)), return_state=True)
    assert end(state) == expected


@pytest.mark.behaviour(15)
def test_sets_of_futures_aggregate(form: Form):
    state = form.run(returning(form, lambda: {good.submit(), good.submit()}), return_state=True)
    assert end(state) == ("COMPLETED", "Completed", "All states completed.")
    assert {type(member) for member in state.result()} == {State}


@pytest.mark.behaviour(15)
@pytest.mark.parametrize("options", [{"return_state": True}, {}], ids=["state", "future"])
def test_the_state_or_future_of_a_child_aggregates(options: dict[str, Any], form: Form):
    completed = form.run(returning(form, lambda: good.submit(**options)), return_state=True)
    failed = form.run(returning(form, lambda: bad.submit(**options)), return_state=True)
    assert end(completed) == ("COMPLETED", "Completed", "All states completed.")
    assert end(failed) == ("FAILED", "Failed", "1/1 states failed.")


@pytest.mark.behaviour(15)
def test_the_state_of_a_subflow_aggregates(form: Form):
    @flow
    @form
    def child():
        raise ValueError("x")

    @flow
    @form
    def parent():
        return (yield child(return_state=True))

    assert end(form.run(parent, return_state=True)) == ("FAILED", "Failed", "1/1 states failed.")


@pytest.mark.behaviour(15)
def test_the_data_of_an_aggregate_is_its_states(form: Form):
    state = form.run(returning(form, lambda: [good.submit(7), bad.submit()]), return_state=True)
    assert end(state) == ("FAILED", "Failed", "1/2 states failed.")
    first, second = state.result(raise_on_failure=False)
    assert (first.name, first.result()) == ("Completed", 7)
    assert end(second) == ("FAILED", "Failed", "Task run encountered an exception ValueError: x")


@pytest.mark.behaviour(15, 24)
def test_the_result_of_a_failed_aggregate_is_its_first_failure(form: Form):
    state = form.run(returning(form, lambda: [good.submit(7), bad.submit()]), return_state=True)
    with pytest.raises(ValueError, match="^x$"):
        state.result()


@pytest.mark.behaviour(15)
def test_tasks_aggregate_the_states_of_their_children(form: Form):
    @task
    @form
    def children():
        return [good(1, return_state=True), bad(return_state=True)]

    assert end(form.run(children, return_state=True)) == ("FAILED", "Failed", "1/2 states failed.")


@pytest.mark.behaviour(15)
def test_futures_returned_by_a_task_stay_futures(form: Form):
    @task
    @form
    def children():
        return [good.submit(1), bad.submit()]

    @flow
    @form
    def parent():
        futures = yield children()
        assert all(isinstance(future, PrefectFuture) for future in futures)
        wait(futures)
        return [future.state.name for future in futures]

    assert form.run(parent) == ["Completed", "Failed"]


@pytest.mark.behaviour(16)
@pytest.mark.parametrize(
    ("make", "find_state"),
    [
        (lambda: {"a": bad.submit(), "b": 1}, lambda result: result["a"]),
        (lambda: (bad.submit(), "x"), lambda result: result[0]),
        (lambda: [[bad.submit()]], lambda result: result[0][0]),
        (lambda: {"a": [bad.submit()]}, lambda result: result["a"][0]),
    ],
    ids=["dict", "mixed-tuple", "nested-list", "list-in-dict"],
)
def test_dicts_and_mixed_collections_do_not_aggregate(
    make: Callable[[], Any], find_state: Callable[[Any], Any], form: Form
):
    parent = returning(form, make)
    state = form.run(parent, return_state=True)
    assert end(state) == ("COMPLETED", "Completed", None)
    for result in (state.result(), form.run(parent)):
        assert end(find_state(result)) == (
            "FAILED",
            "Failed",
            "Task run encountered an exception ValueError: x",
        )


@pytest.mark.behaviour(16)
def test_a_failed_state_beside_a_value_is_only_data(form: Form):
    failed = Failed(message="no")
    state = form.run(returning(form, lambda: (failed, None)), return_state=True)
    assert state.is_completed()
    assert end(state.result()[0]) == end(failed)


# --- what a direct call gives -----------------------------------------------------------------------


@pytest.mark.behaviour(17)
def test_direct_call_of_a_flow_returning_a_completed_future_gives_its_state(form: Form):
    state = form.run(returning(form, lambda: good.submit(7)))
    assert isinstance(state, State)
    assert state.result() == 7


@pytest.mark.behaviour(17)
def test_direct_call_of_a_flow_returning_a_failed_future_raises_its_exception(form: Form):
    with pytest.raises(ValueError, match="^x$"):
        form.run(returning(form, bad.submit))


@pytest.mark.behaviour(17)
def test_direct_call_of_a_flow_returning_a_list_gives_the_states_and_does_not_raise(form: Form):
    seen = []

    @flow(on_failure=[lambda flow, flow_run, state: seen.append(end(state))])
    @form
    def parent():
        return [good.submit(7), bad.submit()]

    assert [state.name for state in form.run(parent)] == ["Completed", "Failed"]
    assert seen == [("FAILED", "Failed", "1/2 states failed.")]


@pytest.mark.behaviour(18)
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Failed(message="no"), FailedRun, "no"),
        (lambda: Failed(data=ValueError("inner")), ValueError, "inner"),
        (Cancelled, CancelledRun, "Run cancelled."),
        (Paused, PausedRun, "Run is paused, its result is not available."),
        (lambda: Crashed(message="gone"), CrashedRun, "gone"),
        (Cancelling, UnfinishedRun, "Run is in CANCELLING state, its result is not available."),
    ],
    ids=["failed", "failed-exception", "cancelled", "paused", "crashed", "cancelling"],
)
def test_direct_call_of_a_flow_returning_a_state_without_a_result_raises(
    make: Callable[[], State[Any]], error: type[Exception], message: str, form: Form
):
    with pytest.raises(error) as caught:
        form.run(returning(form, make))
    assert str(caught.value) == message


@pytest.mark.behaviour(18)
def test_direct_call_of_a_flow_returning_completed_gives_its_data(form: Form):
    assert form.run(returning(form, lambda: Completed(data=5))) == 5


RETURNED_BY_TASKS = pytest.mark.parametrize(
    "kind", [Completed, Failed, Cancelled, Crashed, Paused, Pending], ids=lambda kind: kind.__name__
)


@pytest.mark.behaviour(19)
@RETURNED_BY_TASKS
def test_direct_call_of_a_task_returning_a_state_hands_that_state_back(
    kind: Callable[..., State[Any]], form: Form
):
    returned = kind(message="m")

    @task
    @form
    def give():
        return returned

    assert form.run(give) is returned


@pytest.mark.behaviour(19)
@RETURNED_BY_TASKS
@pytest.mark.parametrize("submit", [False, True], ids=["called", "submitted"])
def test_a_task_run_takes_the_state_that_the_task_returns(
    kind: Callable[..., State[Any]], submit: bool, form: Form
):
    expected = end(kind(name="Special", message="m"))

    @task
    @form
    def give():
        return kind(name="Special", message="m")

    @flow
    @form
    def parent():
        state = give.submit(return_state=True) if submit else (yield give(return_state=True))
        return end(state), str(state.state_details.task_run_id)

    seen, task_run_id = form.run(parent)
    assert seen == expected
    run = observe.task_run(task_run_id)
    assert (run.state_type, run.state_name, run.message) == expected


@pytest.mark.behaviour(19)
def test_a_returned_failed_state_counts_for_retries(form: Form):
    calls = []

    @task(retries=2)
    @form
    def give():
        calls.append(1)
        return Failed(message=f"attempt {len(calls)}")

    state = form.run(give, return_state=True)
    assert len(calls) == 3
    assert end(state) == ("FAILED", "Failed", "attempt 3")


@pytest.mark.behaviour(19)
def test_a_task_that_returns_completed_after_failed_completes(form: Form):
    outcomes = iter([Failed(message="no"), Completed(message="yes", data=5)])

    @task(retries=2)
    @form
    def give():
        return next(outcomes)

    assert end(form.run(give, return_state=True)) == ("COMPLETED", "Completed", "yes")


# --- failures of children ---------------------------------------------------------------------------


@pytest.mark.behaviour(20)
def test_a_submitted_failure_that_is_not_returned_does_not_fail_the_flow(form: Form):
    def make():
        bad.submit()
        return "fine"

    state = form.run(returning(form, make), return_state=True)
    assert end(state) == ("COMPLETED", "Completed", None)
    assert state.result() == "fine"


@pytest.mark.behaviour(20, 22)
def test_an_exception_of_a_direct_task_call_propagates(form: Form):
    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        yield failing()

    with pytest.raises(ValueError, match="^x$"):
        form.run(parent)
    state = form.run(parent, return_state=True)
    assert end(state) == ("FAILED", "Failed", "Flow run encountered an exception: ValueError: x")


@pytest.mark.behaviour(20)
def test_an_exception_of_a_direct_task_call_can_be_handled(form: Form):
    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        try:
            yield failing()
        except ValueError as error:
            return str(error)

    state = form.run(parent, return_state=True)
    assert state.is_completed()
    assert state.result() == "x"


@pytest.mark.behaviour(20)
def test_a_failed_task_state_that_is_asked_for_does_not_raise(form: Form):
    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        state = yield failing(return_state=True)
        return state.is_failed()

    assert form.run(parent) is True


# --- quotes, generators, lists of futures -----------------------------------------------------------


@pytest.mark.behaviour(21)
@pytest.mark.parametrize("content", [1, [Failed()], {"a": Failed()}], ids=["value", "list", "dict"])
def test_a_quote_is_returned_as_a_quote_unseen(content: Any, form: Form):
    parent = returning(form, lambda: quote(content))
    assert end(form.run(parent, return_state=True)) == ("COMPLETED", "Completed", None)
    result = form.run(parent)
    assert isinstance(result, quote)
    assert result.unquote() is content


@pytest.mark.behaviour(21)
def test_futures_in_a_quote_stay_futures(form: Form):
    result = form.run(returning(form, lambda: quote([good.submit()])))
    assert isinstance(result.unquote()[0], PrefectFuture)


@pytest.mark.behaviour(21)
def test_a_returned_generator_becomes_a_list(form: Form):
    state = form.run(returning(form, lambda: (n for n in range(3))), return_state=True)
    assert state.result() == [0, 1, 2]


@pytest.mark.behaviour(21)
def test_a_list_of_mapped_futures_becomes_a_plain_list_of_states(form: Form):
    result = form.run(returning(form, lambda: good.map([1, 2])))
    assert type(result) is list
    assert [state.result() for state in result] == [1, 2]


# --- messages ---------------------------------------------------------------------------------------


@pytest.mark.behaviour(22)
@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        (flow, "Flow run encountered an exception: ValueError: x"),
        (task, "Task run encountered an exception ValueError: x"),
    ],
)
def test_messages_of_failed_runs(decorator: Any, message: str, form: Form):
    @decorator
    @form
    def failing():
        raise ValueError("x")

    assert end(form.run(failing, return_state=True)) == ("FAILED", "Failed", message)


@pytest.mark.behaviour(22)
def test_the_message_is_on_record(form: Form):
    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        state = yield failing(return_state=True)
        return str(state.state_details.task_run_id)

    run = observe.task_run(form.run(parent))
    assert run.message == "Task run encountered an exception ValueError: x"

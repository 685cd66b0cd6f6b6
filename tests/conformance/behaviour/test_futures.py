"""Submitting tasks, and what their futures give (behaviours 32, 33, 36 and 37)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from conformance.forms import Form
from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.futures import DoneAndNotDoneFutures, PrefectFuture, PrefectFutureList, as_completed, wait
from prefect.utilities.annotations import quote

LONG = 30  # seconds; how long a test that is about to fail may hang


@task
def good(x: Any = 1) -> Any:
    return x


@task
def bad() -> None:
    raise ValueError("x")


@task
def hold(gate: threading.Event) -> str:
    assert gate.wait(LONG)
    return "held"


@contextmanager
def held() -> Iterator[PrefectFuture[str]]:
    """A future that is not done before the block ends."""
    gate = threading.Event()
    future = hold.submit(gate)
    try:
        yield future
    finally:
        gate.set()


# --- outside of a flow ------------------------------------------------------------------------------


@pytest.mark.behaviour(32)
def test_submit_needs_a_flow(form: Form):
    @task
    @form
    def step():
        return 1

    with pytest.raises(RuntimeError) as caught:
        form.run(step.submit)
    assert str(caught.value).startswith("Unable to determine task runner to use for submission.")
    assert "use `.delay`" in str(caught.value)


@pytest.mark.behaviour(32)
def test_map_needs_a_flow(form: Form):
    @task
    @form
    def step(x):
        return x

    with pytest.raises(RuntimeError, match="provide `deferred=True`"):
        form.run(step.map, [1, 2])


@pytest.mark.behaviour(32)
def test_a_direct_call_needs_no_flow(form: Form):
    @task
    @form
    def step(x):
        return x

    assert form.run(step, 1) == 1
    assert form.run(step, 1, return_state=True).result() == 1


@pytest.mark.behaviour(32)
def test_tasks_submit_tasks_within_a_flow(form: Form):
    @task
    @form
    def outer():
        return good.submit(7).result()

    @flow
    @form
    def parent():
        return outer.submit().result()

    assert form.run(parent) == 7


# --- futures ----------------------------------------------------------------------------------------


@pytest.mark.behaviour(33)
def test_submit_with_return_state_blocks_and_gives_a_state(form: Form):
    @task
    @form
    def step(x):
        return x

    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        return quote([step.submit(7, return_state=True), failing.submit(return_state=True)])

    completed, failed = form.run(parent).unquote()
    assert isinstance(completed, State)
    assert completed.result() == 7
    assert failed.message == "Task run encountered an exception ValueError: x"


@pytest.mark.behaviour(33)
def test_wait_never_raises(form: Form):
    @flow
    @form
    def parent():
        with held() as future:
            assert future.wait(0) is None
            assert future.wait(0.01) is None
            assert not future.state.is_final()
        assert future.wait() is None
        assert future.state.is_completed()
        failed = bad.submit()
        assert failed.wait() is None
        return failed.state.name

    assert form.run(parent) == "Failed"


@pytest.mark.behaviour(33)
@pytest.mark.parametrize("timeout", [0, 0.01])
def test_result_raises_when_the_time_is_over(timeout: float, form: Form):
    @flow
    @form
    def parent():
        with held() as future, pytest.raises(TimeoutError):
            future.result(timeout)
        return future.result(timeout=LONG)

    assert form.run(parent) == "held"


@pytest.mark.behaviour(33)
def test_result_raises_what_the_task_raised(form: Form):
    @task
    @form
    def failing():
        raise ValueError("x")

    @flow
    @form
    def parent():
        future = failing.submit()
        with pytest.raises(ValueError, match="^x$"):
            future.result()
        return repr(future.result(raise_on_failure=False))

    assert form.run(parent) == "ValueError('x')"


@pytest.mark.behaviour(33)
def test_a_future_knows_its_task_run_and_calls_back(form: Form):
    @flow
    @form
    def parent():
        called_with, called = [], threading.Event()
        with held() as future:
            future.add_done_callback(lambda done: (called_with.append(done), called.set()))
            assert not called.is_set()
        assert called.wait(LONG)
        future.wait()
        assert called_with == [future]
        assert isinstance(future.task_run_id, UUID)
        assert future.state.state_details.task_run_id == future.task_run_id
        return "checked"

    assert form.run(parent) == "checked"


# --- as_completed and wait --------------------------------------------------------------------------


@pytest.mark.behaviour(36)
def test_as_completed_gives_futures_in_the_order_in_which_they_end(form: Form):
    @flow
    @form
    def parent():
        gates = [threading.Event() for _ in range(3)]
        futures = [hold.submit(gate) for gate in gates]
        ended, seen = as_completed(futures), []
        for opened in (2, 0, 1):
            gates[opened].set()
            seen.append(futures.index(next(ended)))
        return seen

    assert form.run(parent) == [2, 0, 1]


@pytest.mark.behaviour(36)
@pytest.mark.parametrize("timeout", [0, 0.05])
def test_as_completed_yields_what_is_finished_and_then_times_out(timeout: float, form: Form):
    @flow
    @form
    def parent():
        finished, seen = [good.submit(n) for n in range(5)], []
        wait(finished)
        with held() as unfinished, pytest.raises(TimeoutError, match=r"^1 \(of 6\) futures unfinished$"):
            for future in as_completed([*finished, unfinished], timeout=timeout):
                seen.append(future.result())
        return sorted(seen)

    assert form.run(parent) == [0, 1, 2, 3, 4]


@pytest.mark.behaviour(36)
@pytest.mark.parametrize("function", [as_completed, wait])
def test_a_negative_timeout_is_refused(function: Callable[..., Any], form: Form):
    @flow
    @form
    def parent():
        with pytest.raises(ValueError, match="^'timeout' must be a non-negative number"):
            list(function([good.submit()], timeout=-1))
        return "refused"

    assert form.run(parent) == "refused"


@pytest.mark.behaviour(36)
def test_as_completed_yields_each_future_once(form: Form):
    @flow
    @form
    def parent():
        futures = [good.submit(n) for n in range(3)]
        return len(list(as_completed(futures + futures)))

    assert form.run(parent) == 3


@pytest.mark.behaviour(36)
def test_wait_tells_the_done_from_the_not_done(form: Form):
    @flow
    @form
    def parent():
        done = [good.submit(), bad.submit()]
        wait(done)
        with held() as not_done:
            result = wait([*done, not_done], timeout=0.01)
        assert isinstance(result, DoneAndNotDoneFutures)
        assert result.done == set(done)
        assert result.not_done == {not_done}
        return "checked"

    assert form.run(parent) == "checked"


# --- lists of futures -------------------------------------------------------------------------------


@pytest.mark.behaviour(37)
def test_the_results_of_a_list_come_in_its_order(form: Form):
    @flow
    @form
    def parent():
        gates = [threading.Event(), threading.Event()]
        futures = hold.map(gates)
        gates[1].set()
        futures[1].wait()
        gates[0].set()
        one, two = good.submit(1), good.submit(2)
        return futures.result(), PrefectFutureList([two, one, two]).result()

    assert form.run(parent) == (["held", "held"], [2, 1, 2])


@pytest.mark.behaviour(37)
def test_the_results_of_a_list_fail_fast(form: Form):
    @flow
    @form
    def parent():
        with held() as unfinished, pytest.raises(ValueError, match="^x$"):
            PrefectFutureList([unfinished, bad.submit()]).result(timeout=LONG)
        return "failed before the first was done"

    assert form.run(parent) == "failed before the first was done"


@pytest.mark.behaviour(37)
def test_the_results_of_a_list_may_be_exceptions(form: Form):
    @flow
    @form
    def parent():
        return repr(PrefectFutureList([good.submit(), bad.submit()]).result(raise_on_failure=False))

    assert form.run(parent) == "[1, ValueError('x')]"


@pytest.mark.behaviour(37)
def test_the_results_of_a_list_time_out(form: Form):
    @flow
    @form
    def parent():
        with held() as unfinished, pytest.raises(TimeoutError) as caught:
            PrefectFutureList([good.submit(), unfinished]).result(timeout=0.5)
        return str(caught.value)

    assert form.run(parent) == "Timed out waiting for all futures to complete within 0.5 seconds"


@pytest.mark.behaviour(37, 33)
def test_waiting_for_a_list_never_raises(form: Form):
    @flow
    @form
    def parent():
        with held() as unfinished:
            futures = PrefectFutureList([bad.submit(), unfinished])
            assert futures.wait(timeout=0.01) is None
        assert futures.wait() is None
        return [future.state.name for future in futures]

    assert form.run(parent) == ["Failed", "Completed"]


@pytest.mark.behaviour(37)
def test_an_empty_list_has_no_results():
    assert PrefectFutureList([]).result() == []

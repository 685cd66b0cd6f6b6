"""How runs depend on runs: failed upstreams, annotations, resolving arguments (behaviours 26 to 30)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException, UnfinishedRun
from prefect.futures import PrefectConcurrentFuture, PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import allow_failure, opaque, quote


@task
def good(x: Any = 1) -> Any:
    return x


@task
def bad() -> None:
    raise ValueError("x")


@task
def same(x: Any = None) -> Any:
    return x


def not_ready(upstream: PrefectFuture[Any]) -> tuple[str, str, str]:
    """The state of whoever depends on a failed upstream."""
    message = f"Upstream task run '{upstream.task_run_id}' did not reach a 'COMPLETED' state."
    return "PENDING", "NotReady", message


def end(state: State[Any]) -> tuple[str, str, str | None]:
    return state.type.value, state.name, state.message


# --- failed upstreams -------------------------------------------------------------------------------


@pytest.mark.behaviour(26)
@pytest.mark.parametrize(
    "depend",
    [
        lambda step, upstream: step.submit(upstream),
        lambda step, upstream: step.submit([{"deep": (upstream,)}]),
        lambda step, upstream: step.submit(upstream.result(raise_on_failure=False) and upstream.state),
        lambda step, upstream: step.submit(1, wait_for=[upstream]),
        lambda step, upstream: step.submit(1, wait_for=[[upstream]]),
    ],
    ids=["argument", "nested-argument", "state", "wait_for", "nested-wait_for"],
)
def test_a_failed_upstream_leaves_a_submitted_task_not_ready(
    depend: Callable[[Any, Any], PrefectFuture[Any]], form: Form
):
    called = []

    @task
    @form
    def step(x):
        called.append(x)

    @flow
    @form
    def parent():
        upstream = bad.submit()
        future = depend(step, upstream)
        future.wait()
        return end(future.state), not_ready(upstream), str(future.task_run_id)

    seen, expected, task_run_id = form.run(parent)
    assert seen == expected
    assert not called
    run = observe.task_run(task_run_id)
    assert (run.state_type, run.state_name, run.message) == expected
    assert run.start_time is None


@pytest.mark.behaviour(26)
def test_not_ready_passes_on_down_the_chain(form: Form):
    @flow
    @form
    def parent():
        middle = same.submit(bad.submit())
        last = same.submit(middle)
        last.wait()
        return end(last.state), not_ready(middle)

    seen, expected = form.run(parent)
    assert seen == expected


@pytest.mark.behaviour(26)
def test_mapped_tasks_are_not_ready_one_by_one(form: Form):
    @flow
    @form
    def parent():
        futures = same.map([good.submit(1), bad.submit(), good.submit(3)])
        futures.wait()
        return [future.state.name for future in futures]

    assert form.run(parent) == ["Completed", "NotReady", "Completed"]


@pytest.mark.behaviour(26, 15)
def test_a_flow_returning_a_task_that_was_not_ready_fails(form: Form):
    @flow
    @form
    def parent():
        return same.submit(bad.submit())

    state = form.run(parent, return_state=True)
    assert end(state) == ("FAILED", "Failed", "1/1 states are not final.")


@pytest.mark.behaviour(27)
def test_direct_call_of_a_task_with_a_failed_upstream_gives_none(form: Form):
    called = []

    @task
    @form
    def step(x):
        called.append(x)
        return "called"

    @flow
    @form
    def parent():
        upstream = bad.submit()
        result = yield step(upstream)
        state = yield step(upstream, return_state=True)
        return result, end(state), not_ready(upstream)

    result, seen, expected = form.run(parent)
    assert result is None
    assert seen == expected
    assert not called


@pytest.mark.behaviour(27)
@pytest.mark.parametrize("raise_on_failure", [True, False])
def test_the_future_of_a_task_that_was_not_ready_is_unfinished(raise_on_failure: bool, form: Form):
    @flow
    @form
    def parent():
        future = same.submit(bad.submit())
        with pytest.raises(UnfinishedRun, match="^Run is in PENDING state, its result is not available.$"):
            future.result(raise_on_failure=raise_on_failure)
        return "checked"

    assert form.run(parent) == "checked"


@pytest.mark.behaviour(27)
@pytest.mark.parametrize("by", ["argument", "wait_for"])
def test_direct_call_of_a_subflow_with_a_failed_upstream_raises(by: str, form: Form):
    called = []

    @flow
    @form
    def child(x=None):
        called.append(x)

    @flow
    @form
    def parent():
        upstream = bad.submit()
        args, options = ((upstream,), {}) if by == "argument" else ((), {"wait_for": [upstream]})
        with pytest.raises(UnfinishedRun):
            yield child(*args, **options)
        state = yield child(*args, **options, return_state=True)
        return end(state), not_ready(upstream)

    seen, expected = form.run(parent)
    assert seen == expected
    assert not called


# --- allow_failure ----------------------------------------------------------------------------------


@pytest.mark.behaviour(28)
@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (lambda failed: allow_failure(failed), "ValueError('x')"),
        (lambda failed: [allow_failure(failed), 1], "[ValueError('x'), 1]"),
        (lambda failed: allow_failure([failed, good.submit(3)]), "[ValueError('x'), 3]"),
        (lambda failed: {"a": allow_failure(failed)}, "{'a': ValueError('x')}"),
    ],
    ids=["alone", "in-a-list", "around-a-list", "in-a-dict"],
)
@pytest.mark.parametrize("submit", [False, True], ids=["called", "submitted"])
def test_allow_failure_passes_the_exception(
    argument: Callable[[Any], Any], expected: str, submit: bool, form: Form
):
    @task
    @form
    def show(x):
        return repr(x)

    @flow
    @form
    def parent():
        value = argument(bad.submit())
        return show.submit(value).result() if submit else (yield show(value))

    assert form.run(parent) == expected


@pytest.mark.behaviour(28, 34)
@pytest.mark.parametrize(
    "argument",
    [
        lambda futures: allow_failure(futures),
        lambda futures: [allow_failure(future) for future in futures],
    ],
    ids=["around-the-list", "around-each"],
)
def test_allow_failure_in_map(argument: Callable[[Any], Any], form: Form):
    @task
    @form
    def show(x):
        return repr(x)

    @flow
    @form
    def parent():
        return show.map(argument([bad.submit(), good.submit(2)])).result()

    assert form.run(parent) == ["ValueError('x')", "2"]


@pytest.mark.behaviour(28)
@pytest.mark.parametrize(
    "wait_for",
    [lambda failed: [allow_failure(failed)], lambda failed: allow_failure([failed])],
    ids=["in-the-list", "around-the-list"],
)
def test_allow_failure_in_wait_for(wait_for: Callable[[Any], Any], form: Form):
    @flow
    @form
    def parent():
        return same.submit("ran", wait_for=wait_for(bad.submit())).result()

    assert form.run(parent) == "ran"


# --- resolving arguments ----------------------------------------------------------------------------


@dataclass
class Pair:
    left: Any
    right: Any = 0


class Model(BaseModel):
    content: Any


@pytest.mark.behaviour(29)
@pytest.mark.parametrize("submit", [False, True], ids=["called", "submitted"])
@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (lambda f, s: f, 7),
        (lambda f, s: s, 8),
        (lambda f, s: [f, s], [7, 8]),
        (lambda f, s: (f, 1), (7, 1)),
        (lambda f, s: {f, s}, {7, 8}),
        (lambda f, s: {"value": f, s: "key"}, {"value": 7, 8: "key"}),
        (lambda f, s: [{"a": (f, [s])}], [{"a": (7, [8])}]),
        (lambda f, s: Pair(f, [s]), Pair(7, [8])),
        (lambda f, s: Model(content=f), Model(content=7)),
    ],
    ids=["future", "state", "list", "tuple", "set", "dict", "nested", "dataclass", "model"],
)
def test_futures_and_states_in_arguments_become_results(
    argument: Callable[[Any, Any], Any], expected: Any, submit: bool, form: Form
):
    @task
    @form
    def receive(x):
        return x

    @flow
    @form
    def parent():
        value = argument(good.submit(7), good(8, return_state=True))
        return quote(receive.submit(value).result() if submit else (yield receive(value)))

    assert form.run(parent).unquote() == expected


@pytest.mark.behaviour(29)
def test_futures_in_the_arguments_of_a_subflow_become_results(form: Form):
    @flow
    @form
    def child(x, y):
        return x, y

    @flow
    @form
    def parent():
        return (yield child(good.submit(7), y=[good(8, return_state=True)]))

    assert form.run(parent) == (7, [8])


@pytest.mark.behaviour(29)
def test_opaque_resolves_a_future_but_looks_into_no_collection(form: Form):
    @task
    @form
    def receive(x):
        x = x[0] if isinstance(x, list) else x
        return "future" if isinstance(x, PrefectConcurrentFuture) else type(x).__name__

    @flow
    @form
    def parent():
        future = good.submit(7)
        return (
            (yield receive(opaque(future))),
            isinstance(future, PrefectFuture),
            (yield receive(opaque([future]))),
        )

    assert form.run(parent) == ("int", True, "future")


@pytest.mark.behaviour(29, 21)
def test_a_quoted_argument_arrives_unseen(form: Form):
    @task
    @form
    def receive(x):
        return isinstance(x, PrefectFuture)

    @flow
    @form
    def parent():
        return (yield receive(quote(good.submit(7))))

    assert form.run(parent) is True


@pytest.mark.behaviour(29)
@pytest.mark.parametrize("wrap", [lambda run: run, lambda run: [run]], ids=["alone", "nested"])
@pytest.mark.parametrize("submit", [False, True], ids=["called", "submitted"])
def test_a_flow_run_object_is_refused_as_an_argument(wrap: Callable[[Any], Any], submit: bool, form: Form):
    @task
    @form
    def receive(x):
        return x

    @flow
    @form
    def parent():
        run = FlowRunContext.get().flow_run
        with pytest.raises(
            PrefectException, match="^Passing a `FlowRun` object as a task argument is not supported"
        ):
            receive.submit(wrap(run)).result() if submit else (yield receive(wrap(run)))
        return "refused"

    assert form.run(parent) == "refused"


@pytest.mark.behaviour(29)
@pytest.mark.parametrize("annotation", [opaque, quote])
def test_an_annotated_flow_run_object_is_accepted(annotation: Any, form: Form):
    @task
    @form
    def receive(x):
        return isinstance(x, FlowRun)

    @flow
    @form
    def parent():
        return (yield receive(annotation(FlowRunContext.get().flow_run)))

    assert form.run(parent) is True


@pytest.mark.behaviour(30)
@pytest.mark.parametrize("by", ["wait_for", pytest.param("argument", marks=pytest.mark.mends_the_original)])
def test_a_task_waiting_on_a_collection_that_contains_itself_raises(by: str, form: Form):
    @task
    def hold(gate):
        assert gate.wait(30)

    # One worker, held until the future is in the list that its own task depends on.
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    @form
    def parent():
        gate = threading.Event()
        futures = [hold.submit(gate)]
        futures.append(same.submit(futures) if by == "argument" else same.submit(1, wait_for=futures))
        gate.set()
        with pytest.raises(ValueError, match="deadlock"):
            futures[-1].result(timeout=30)
        return "raised"

    assert form.run(parent) == "raised"

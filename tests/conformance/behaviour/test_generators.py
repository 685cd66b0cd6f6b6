"""Flows and tasks that yield (behaviour 61)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conformance import observe
from prefect import flow, task
from prefect.context import FlowRunContext, TaskRunContext

pytestmark = pytest.mark.behaviour(61)
flow_and_task = pytest.mark.parametrize("decorator", [flow, task], ids=["flow", "task"])


def exhaust(generator: Any) -> tuple[list[Any], Any]:
    """What a generator yields, and what it returns."""
    values = []
    while True:
        try:
            values.append(next(generator))
        except StopIteration as end:
            return values, end.value


async def collect(generator: Any) -> list[Any]:
    """What an asynchronous generator yields."""
    return [value async for value in generator]


# --- values -----------------------------------------------------------------------------------------


@flow_and_task
def test_values_come_one_by_one_and_the_return_value_at_the_end(decorator: Any):
    @decorator
    def numbers(n: int):
        yield from range(n)
        return "the end"

    assert exhaust(numbers(3)) == ([0, 1, 2], "the end")


@flow_and_task
def test_values_of_an_async_generator(decorator: Any):
    @decorator
    async def numbers(n: int):
        for x in range(n):
            yield x

    assert asyncio.run(collect(numbers(3))) == [0, 1, 2]


@flow_and_task
def test_the_body_runs_only_as_far_as_it_is_asked(decorator: Any):
    reached = []

    @decorator
    def numbers():
        for x in range(3):
            reached.append(x)
            yield x

    generator = numbers()
    assert next(generator) == 0
    assert reached == [0]
    assert list(generator) == [1, 2]


def test_a_generator_flow_consumes_a_generator_task():
    @task
    def numbers():
        yield 1
        yield 2

    @flow
    def doubled():
        for x in numbers():
            yield 2 * x

    assert list(doubled()) == [2, 4]


def test_an_async_generator_flow_consumes_an_async_generator_task():
    @task
    async def numbers():
        yield 1
        yield 2

    @flow
    async def doubled():
        async for x in numbers():
            yield 2 * x

    assert asyncio.run(collect(doubled())) == [2, 4]


def test_a_submitted_generator_gives_a_list():
    @task
    def numbers():
        yield 1
        yield 2

    @flow
    def parent():
        return numbers.submit().result()

    assert parent() == [1, 2]


# --- states -----------------------------------------------------------------------------------------


def test_the_run_is_completed_once_the_generator_is_exhausted():
    run_ids = []

    @flow
    def numbers():
        run_ids.append(FlowRunContext.get().flow_run.id)
        yield 1

    assert list(numbers()) == [1]
    assert observe.flow_run(run_ids[0]).state_name == "Completed"


@flow_and_task
def test_an_error_reaches_the_consumer_and_fails_the_run(decorator: Any):
    states = []

    def note(thing: Any, run: Any, state: Any) -> None:
        states.append(state.name)

    @decorator(on_failure=[note])
    def numbers():
        yield 1
        raise ValueError("x")

    generator = numbers()
    assert next(generator) == 1
    with pytest.raises(ValueError, match="x"):
        next(generator)
    assert states == ["Failed"]


@flow_and_task
def test_an_error_reaches_the_consumer_of_an_async_generator(decorator: Any):
    states = []

    def note(thing: Any, run: Any, state: Any) -> None:
        states.append(state.name)

    @decorator(on_failure=[note])
    async def numbers():
        yield 1
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        asyncio.run(collect(numbers()))
    assert states == ["Failed"]


def test_the_task_run_is_there_while_the_generator_runs():
    @task
    def names():
        yield TaskRunContext.get().task_run.name
        yield TaskRunContext.get().task_run.name

    assert list(names()) == ["names", "names"]


# --- retries ----------------------------------------------------------------------------------------


@flow_and_task
def test_a_retry_yields_again_from_the_start(decorator: Any):
    attempts = []

    @decorator(retries=1)
    def numbers():
        attempts.append(1)
        yield 1
        yield 2
        if len(attempts) == 1:
            raise ValueError("x")

    assert list(numbers()) == [1, 2, 1, 2]


@flow_and_task
def test_a_retry_of_an_async_generator_yields_again_from_the_start(decorator: Any):
    attempts = []

    @decorator(retries=1)
    async def numbers():
        attempts.append(1)
        yield 1
        yield 2
        if len(attempts) == 1:
            raise ValueError("x")

    assert asyncio.run(collect(numbers())) == [1, 2, 1, 2]


# --- no state to return -----------------------------------------------------------------------------


@pytest.mark.parametrize(("decorator", "kind"), [(flow, "flow"), (task, "task")], ids=["flow", "task"])
def test_a_generator_has_no_state_to_return(decorator: Any, kind: str):
    @decorator
    def numbers():
        yield 1

    with pytest.raises(ValueError) as caught:
        list(numbers(return_state=True))
    assert str(caught.value) == f"The return_type for a generator {kind} must be 'result'"


@pytest.mark.parametrize(("decorator", "kind"), [(flow, "flow"), (task, "task")], ids=["flow", "task"])
def test_an_async_generator_has_no_state_to_return(decorator: Any, kind: str):
    @decorator
    async def numbers():
        yield 1

    with pytest.raises(ValueError) as caught:
        asyncio.run(collect(numbers(return_state=True)))
    assert str(caught.value) == f"The return_type for a generator {kind} must be 'result'"

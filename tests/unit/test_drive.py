"""Generators of effects: the same logic, driven synchronously and asynchronously."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from prefect._base.drive import Call, drive, drive_async, run_awaitable

variable = contextvars.ContextVar("variable", default="unset")


async def doubled(value):
    await asyncio.sleep(0)
    return 2 * value


def logic(log):
    try:
        one = yield Call(lambda: 1)
        two = yield from part(one)
        log.append((yield Call(doubled, (two,))))
        yield Call(int, ("x",))
    except ValueError as exc:
        log.append(type(exc))
    finally:
        log.append((yield Call(dict, (), {"a": 1})))
    return "end"


def part(value):
    return (yield Call(max, (value, 2)))


def run_sync(steps):
    return drive(steps)


def run_async(steps):
    return asyncio.run(drive_async(steps))


def run_sync_in_a_loop(steps):
    async def main():
        return drive(steps)

    return asyncio.run(main())


@pytest.fixture(params=[run_sync, run_async, run_sync_in_a_loop], ids=lambda run: run.__name__)
def run(request):
    return request.param


def test_effects_answers_and_errors(run):
    log = []
    assert run(logic(log)) == "end"
    assert log == [4, ValueError, {"a": 1}]


def test_an_error_that_nobody_handles_comes_out(run):
    def steps():
        yield Call(int, ("x",))

    with pytest.raises(ValueError, match="invalid literal"):
        run(steps())


def test_a_stop_iteration_of_a_called_function_is_no_end(run):
    def steps():
        yield Call(next, (iter(()),))

    with pytest.raises(RuntimeError, match="StopIteration"):
        run(steps())


def test_only_the_asynchronous_driver_takes_the_asynchronous_form():
    async def slow():
        return "asynchronous"

    def steps():
        return (yield Call(lambda: "synchronous", afn=slow))

    assert run_sync(steps()) == "synchronous"
    assert run_async(steps()) == "asynchronous"


def test_a_coroutine_runs_in_the_context_of_its_caller():
    async def read():
        return variable.get()

    async def main():
        return run_awaitable(read())

    variable.set("set")
    try:
        assert run_awaitable(read()) == "set"
        assert asyncio.run(main()) == "set"
    finally:
        variable.set("unset")

"""Drive a run whose function is a generator: its items pass through. `drive` and `drive_async` do the others.

These and `prefect._base.drive` are the only places where sync and async differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine.effects import Emit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    Run = Generator[Any, Any, Any]


def iterate(run: Run) -> Generator[Any, Any, Any]:
    """Run to the end in this thread, handing on the items of a generator function."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = (yield effect.item) if isinstance(effect, Emit) else effect.perform()
            except BaseException as exc:  # noqa: PERF203 - each effect may fail
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration as end:
        return end.value


async def iterate_async(run: Run) -> AsyncGenerator[Any, Any]:
    """Run to the end in this event loop, handing on the items of an asynchronous generator function."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = (yield effect.item) if isinstance(effect, Emit) else await effect.perform_async()
            except BaseException as exc:  # noqa: PERF203 - each effect may fail
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration:
        return

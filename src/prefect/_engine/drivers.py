"""The only place where sync and async differ: who performs the effects that the engine's generators yield."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine.effects import Emit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    Run = Generator[Any, Any, Any]


def drive(run: Run) -> Any:
    """Run to the end in this thread; what the run returns."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = effect.perform()
            except BaseException as exc:
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration as end:
        return end.value


async def drive_async(run: Run) -> Any:
    """Run to the end in this event loop; what the run returns."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = await effect.perform_async()
            except BaseException as exc:
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration as end:
        return end.value


def iterate(run: Run) -> Generator[Any, Any, Any]:
    """The same for a generator function: its items pass through."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = (yield effect.item) if isinstance(effect, Emit) else effect.perform()
            except BaseException as exc:
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration as end:
        return end.value


async def iterate_async(run: Run) -> AsyncGenerator[Any, Any]:
    """The same for an asynchronous generator function."""
    try:
        effect = run.send(None)
        while True:
            try:
                answer = (yield effect.item) if isinstance(effect, Emit) else await effect.perform_async()
            except BaseException as exc:
                effect = run.throw(exc)
            else:
                effect = run.send(answer)
    except StopIteration:
        return

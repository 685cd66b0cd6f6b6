"""Generator functions as flows and tasks: their items pass through the run to whoever iterates over it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prefect._engine.effects import Emit, Exhausted, Next

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextvars import ContextVar

    from prefect._base.drive import Call

    Run = Generator[Any, Any, Any]


def pass_through(function: Call, context: ContextVar[Any], outside: Any, *, emits: bool = True) -> Run:
    """Call a generator function and emit its items; its return value is the result.

    Args:
        function: the call.
        context: in which the function's code runs.
        outside: the context's value for whoever iterates.
        emits: where nobody iterates, the items are kept, and are the result.
    """
    iterator = yield function
    items: list[Any] = []
    while True:
        try:
            item = yield Next(iterator)
        except Exhausted as end:
            return end.value if emits else items
        if not emits:
            items.append(item)
            continue
        token = context.set(outside)
        try:
            yield Emit(item)
        except GeneratorExit:
            iterator.close()  # whoever iterates has seen enough
            return None
        finally:
            with suppress(ValueError):  # closed in another context
                context.reset(token)

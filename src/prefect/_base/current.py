"""Which run this code is part of: the context variables behind `prefect.context`."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

flow_run: ContextVar[Any] = ContextVar("prefect_flow_run", default=None)
task_run: ContextVar[Any] = ContextVar("prefect_task_run", default=None)

# the innermost block of `with transaction():` that is open
transaction: ContextVar[Any] = ContextVar("prefect_transaction", default=None)


def scope() -> Any:
    """The task run that this code is part of, or else the flow run, or else None."""
    return task_run.get() or flow_run.get()


def wants_awaitable() -> bool:
    """Whether a function that has both forms must give an awaitable here (behaviour 13).

    It must in a running event loop, but not in the code of a sync flow or task, though a loop may be around.
    """
    asyncio = sys.modules.get("asyncio")  # a running loop has loaded it
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    run = scope()
    return run is None or run.runs_async

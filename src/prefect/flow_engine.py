"""Run a flow by hand: what code that works beneath `@flow` imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine import run as engine
from prefect._engine.flow_end import FlowRunTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.flows import Flow
    from prefect.model.runs import FlowRun

__all__ = ["FlowRunTimeoutError", "run_flow"]


def run_flow(
    flow: Flow[..., Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[Any] | None = None,
    return_type: str = "result",
) -> Any:
    """Run a flow here; its result, or its state with `return_type="state"` (of an async flow, a coroutine).

    Args:
        flow: the flow.
        flow_run: an existing run that nobody executes, to be executed in place; a new one unless given.
        parameters: by name; defaults are filled in.
        wait_for: other runs to wait for first.
        return_type: "result" or "state".

    Raises:
        Abort: another process executes the run.
    """
    given = flow.binder.completed(parameters or {})
    return_state = return_type == "state"
    if flow_run is None:
        return engine.call_flow(flow, given, wait_for=wait_for, return_state=return_state)
    return engine.run_flow_call(engine.resume(flow, flow_run.id.bytes, given), return_state=return_state)

"""How a flow run ends: what its return value or exception comes to, and the state that is proposed for it."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from prefect._base.faultpoint import reach
from prefect._engine import inputs, replay
from prefect._engine.effects import Wait
from prefect._engine.hooks import run_hooks
from prefect._engine.task_facts import TERMINAL
from prefect.exceptions import Abort, ObjectNotFound, Pause, StoreError, TerminationSignal
from prefect.model.crashes import crash_message
from prefect.model.outcome import Outcome, is_plain, outcome_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from prefect._engine.flow_call import FlowCall

    Run = Generator[Any, Any, Any]


class FlowRunTimeoutError(TimeoutError):
    """A flow run took longer than its `timeout_seconds` (behaviour 46)."""


def returned(call: FlowCall, value: Any) -> Run:
    """The function has returned: what its value makes of the run (behaviours 14 to 18)."""
    if is_plain(value):
        call.value = value
        call.outcome = Outcome("COMPLETED", "Completed", None)
        return
    for source, _ in inputs.upstream_of(value, may_fail=True):
        if inputs.kind_of(type(source)) == inputs.FUTURE:
            yield Wait(source)
    value = inputs.with_states(value)
    call.value = value
    call.outcome = outcome_of(value) or Outcome("COMPLETED", "Completed", None)


def raised(call: FlowCall, exc: Exception) -> None:
    """The function has raised."""
    call.exception = exc
    call.outcome = failed(
        call, f"Flow run encountered an exception: {type(exc).__name__}: {exc}".rstrip(": ")
    )
    call.logger().error("Encountered an exception during execution: %r", exc, exc_info=exc)


def failed(call: FlowCall, message: str) -> Outcome:
    """Failed, or TimedOut where the flow's own time limit ended it."""
    if isinstance(call.exception, FlowRunTimeoutError):
        seconds = call.flow.timeout_seconds
        return Outcome("FAILED", "TimedOut", f"Flow run exceeded timeout of {seconds} second(s)")
    return Outcome("FAILED", "Failed", message)


def finish(call: FlowCall, outcome: Outcome) -> Generator[Any, Any, bool]:
    """Propose the final state, with everything recorded before it; True where the rules want another try."""
    call.outcome = outcome
    if outcome.type == "CANCELLING":
        call.interrupt = None  # it has asked itself: neither this nor its hooks are interrupted for that
    if call.persist_result:
        from prefect._engine import persistence  # 150 ms of import that only persisted results need

        yield from persistence.write_flow_result(call, outcome)
    if outcome.type == "COMPLETED":
        _keep_result(call)
    reach("flow_run.before_finish")
    answer = yield from call.propose(
        outcome.type, outcome.name, outcome.message, data=call.persisted, details=outcome.details
    )
    if answer.status == "ABORT":
        raise Abort(f"Flow run '{call.record.name}' could not report {outcome.name}: {answer.reason}")
    if call.record.state.name == "AwaitingRetry":
        call.logger().info(
            "Received non-final state 'AwaitingRetry' when proposing final state %r and will attempt to run again...",
            outcome.name,
        )
        return True
    reach("flow_run.finished")
    yield from _announce(call)
    return False


def _keep_result(call: FlowCall) -> None:
    """What a parent that is resumed, or tried again in this process, does not run again."""
    if call.parent is not None and call.tracking is not None and call.persisted is not None:
        call.parent.kept_subflows[call.tracking.memo] = call.value
    if call.tracking is not None and call.record_limit:
        call.tracking.result_blob = replay.encode(call.value, call.record_limit, call.flow.name)
    if not call.flow.cache_result_in_memory and call.persisted is None:
        call.value = None


def _announce(call: FlowCall) -> Run:
    """Say how it ended, and run the hooks of that state."""
    flow, state = call.flow, call.record.state
    hooks = _hooks_of(call, state.type)
    if hooks:
        with call:
            yield from run_hooks(hooks, flow, call.flow_run, call.state, call.logger())
    shown = f"{state.name}({state.message!r})" if state.message else f"{state.name}()"
    call.logger().log(20 if state.type == "COMPLETED" else 40, "Finished in state %s", shown)


def _hooks_of(call: FlowCall, state_type: str) -> Sequence[Any]:
    """The hooks of a state of that type."""
    if state_type == "CANCELLING" or (state_type == "CANCELLED" and call.stopping):
        return _cancellation_hooks(call)
    flow = call.flow
    return {
        "COMPLETED": flow.on_completion_hooks,
        "FAILED": flow.on_failure_hooks,
        "CRASHED": flow.on_crashed_hooks,
    }.get(state_type, ())


def _cancellation_hooks(call: FlowCall) -> Sequence[Any]:
    """The hooks, unless the environment leaves them to somebody else (behaviour 50)."""
    switch = os.environ.get("PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS", "true")
    return call.flow.on_cancellation_hooks if switch.lower() == "true" else ()


def crash(call: FlowCall, exc: BaseException) -> Run:
    """Something other than an exception of the user's code ended the run."""
    if isinstance(exc, (Abort, Pause)) or call.record.state.type in TERMINAL or call.ends_unheard:
        return
    call.exception = exc
    if isinstance(exc, TerminationSignal) and not call.stopping:
        yield from _see_whether_cancelled(call)
    if call.stopping:
        outcome = Outcome("CANCELLED", "Cancelled", "Flow run was cancelled successfully.")
    else:
        outcome = Outcome("CRASHED", "Crashed", crash_message(exc))
        call.logger().error("Crash detected! %s", outcome.message)
        call.logger().debug("Crash details:", exc_info=exc)
    call.outcome = None
    yield from call.propose(outcome.type, outcome.name, outcome.message, force=True)
    yield from _announce(call)


def _see_whether_cancelled(call: FlowCall) -> Run:
    """A signal may be faster than the news that the run is to stop, on whose account it was sent."""
    root = call
    while root.parent is not None:
        root = root.parent
    root.interrupt = None  # that has happened
    with contextlib.suppress(ObjectNotFound, StoreError):  # nobody knows: it is Crashed
        yield from root.look()


def adopt_state(call: FlowCall) -> None:
    """The rules decided otherwise: the run is in the state they chose."""
    call.outcome = None
    call.logger().info("Flow run is %s: %s", call.record.state.name, call.record.state.message)

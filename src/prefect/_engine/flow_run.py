"""One flow run, described once: create -> resolve and validate -> (Running -> call)* -> finish."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from prefect import _terminal
from prefect._base.drive import Call, Sleep
from prefect._base.faultpoint import reach
from prefect._base.ids import new_id
from prefect._engine import flow_end, inputs, parameters
from prefect._engine.effects import TimedCall, Verb
from prefect._engine.generators import pass_through
from prefect._engine.hooks import run_hooks
from prefect._engine.names import flow_run_name_of
from prefect._engine.signals import termination_raises
from prefect._engine.timeouts import ScopeTimeout
from prefect._engine.tracking import track_subflow
from prefect.context import EngineContext, TaskRunContext
from prefect.exceptions import Abort, CancelledRun, ParameterTypeError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from prefect._engine.flow_call import FlowCall

    Run = Generator[Any, Any, Any]


def flow_run(call: FlowCall) -> Run:
    """Run the flow to its end. What the caller gets is read from the call afterwards."""
    if call.parent is not None and (yield from track_subflow(call)):
        return
    call.id = call.id or new_id()
    upstream = _upstream(call)
    if upstream:
        yield from parameters.create_run(call)  # it is on record, as Pending, while it waits
    call.backend.enter_flow_run(call.id, call.cancel)
    try:
        with _terminable(call), _shown_live(call):
            try:
                if (yield from _prepare(call, upstream)):
                    yield from _execute(call)
            except BaseException as exc:
                if call.taken_up:  # what fails before the run is on record is the caller's alone
                    yield from flow_end.crash(call, exc)
                if call.cancelled:
                    raise CancelledRun("Run cancelled.") from exc
                raise
    finally:
        yield Verb(call.backend, lambda: _leave(call))


def _leave(call: FlowCall) -> None:
    """It has ended here; when nothing goes on around it, everything recorded is made safe.

    Not where a server was waited for in vain already: that is left to the end of the process.
    """
    call.backend.leave_flow_run(call.id, unfinished=call.taken_up and call.record.owner is not None)
    if call.parent is None and not call.ends_unheard:
        call.backend.journal.commit()


def _terminable(call: FlowCall) -> AbstractContextManager[None]:
    """The outermost flow run of the process takes SIGTERM."""
    return termination_raises(lambda: call.cancelled) if call.parent is None else nullcontext()


@contextmanager
def _shown_live(call: FlowCall) -> Generator[None, None, None]:
    """The live view, if the run gets one, ends with it: before a SIGTERM may end the process."""
    try:
        yield
    finally:
        if call.view is not None:
            call.view.stop(call.record.state.name, call.record.state.message)


def _upstream(call: FlowCall) -> list[inputs.Upstream]:
    found = [u for value in call.parameters.values() for u in inputs.upstream_of(value)]
    if call.wait_for is not None:
        found += inputs.upstream_of(inputs.as_wait_for(call.wait_for))
    return found


def _prepare(call: FlowCall, upstream: list[inputs.Upstream]) -> Generator[Any, Any, bool]:
    """Wait for the inputs, validate the parameters, give the run its name; False where it cannot run."""
    try:
        if upstream:
            yield from inputs.wait_for_upstream(upstream)
            yield from parameters.resolve(call)
    except inputs.NotReady as exc:
        yield from call.propose("PENDING", "NotReady", str(exc))
        flow_end.adopt_state(call)
        return False
    try:
        parameters.validate(call)
    except ParameterTypeError as exc:
        yield from parameters.create_run(call)
        call.exception = exc
        message = f"Validation of flow parameters failed with error: {type(exc).__name__}: {exc}"
        call.logger().error("%s", message)
        yield from flow_end.finish(call, flow_end.failed(call, message))
        return False
    yield from _start(call)
    return True


def _start(call: FlowCall) -> Run:
    """Give the run its name, once; a new run is on record as Running with its creation."""
    named = call.flow.flow_run_name is not None and not (call.taken_up and call.record.run_count)
    if not call.taken_up:
        name = flow_run_name_of(call.flow, call.parameters) if named else None
        yield from parameters.create_run(call, name=name, running=True)
    elif named:
        name = flow_run_name_of(call.flow, call.parameters)
        yield Verb(call.backend, lambda: call.backend.update_flow_run(call.id, {"name": name}))
        call.record = call.record._replace(name=name)
        call.forget_logger()
    if call.parent is None:
        call.view = _terminal.start(call.id, call.record.name, call.flow.name)


def _execute(call: FlowCall) -> Run:
    """Call the function until the run has ended: a failure may be turned into another try by the rules."""
    while (yield from _enter_running(call)):
        call.start_over()
        yield from _attempt(call)
        assert call.outcome is not None  # an attempt comes to something, or raises
        if not (yield from flow_end.finish(call, call.outcome)):
            break
        call.recorded = None  # an in-process retry runs everything again that is not persisted (behaviour 44)
        call.outcome = call.exception = call.value = None


def _enter_running(call: FlowCall) -> Generator[Any, Any, bool]:
    """Ask for Running, waiting as long as the rules say so; False where they refuse."""
    while call.record.state.type != "RUNNING":
        answer = yield from call.propose("RUNNING", "Running")
        if answer.status == "WAIT":
            yield Sleep(answer.delay_seconds)
        elif answer.status == "ABORT":
            raise Abort(answer.reason)
        elif answer.status == "REJECT":
            flow_end.adopt_state(call)
            return False
    reach("flow_run.running")
    return True


def _attempt(call: FlowCall) -> Run:
    """Call the function once, in its context."""
    flow = call.flow
    token = EngineContext._var.set(call)
    task_token = TaskRunContext._var.set(None)
    try:
        with call.scope():
            call.logger().info("Beginning flow run %r for flow %r", call.record.name, flow.name)
            if flow.on_running_hooks:
                yield from run_hooks(flow.on_running_hooks, flow, call.flow_run, call.state, call.logger())
            try:
                value = yield from (invoke if not flow.isgenerator else _items)(call)
            except Exception as exc:
                flow_end.raised(call, exc)
            else:
                yield from flow_end.returned(call, value)
    finally:
        with suppress(ValueError):  # an abandoned asynchronous generator is closed in another context
            TaskRunContext._var.reset(task_token)
            EngineContext._var.reset(token)


def _items(call: FlowCall) -> Run:
    """Hand the items of a generator function on."""
    args, kwargs = call.flow.binder.call_arguments(call.parameters)
    return (yield from pass_through(Call(call.flow.fn, args, kwargs), EngineContext._var, call.parent))


def invoke(call: FlowCall) -> Run:
    """Call the function under its time limit."""
    args, kwargs = call.flow.binder.call_arguments(call.parameters)
    timeout = call.flow.timeout_seconds
    if timeout is None:
        return (yield Call(call.flow.fn, args, kwargs))
    try:
        return (yield TimedCall(call.flow.fn, args, kwargs, timeout))
    except ScopeTimeout as exc:
        raise flow_end.FlowRunTimeoutError(str(exc)) from None

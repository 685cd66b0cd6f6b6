"""The engine's face: what flows, tasks and task runners call."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._base.drive import drive, drive_async, run_awaitable
from prefect._engine import inputs, tracing
from prefect._engine.drivers import iterate, iterate_async
from prefect._engine.flow_call import FlowCall
from prefect._engine.flow_run import flow_run as bare_flow_run
from prefect._engine.task_call import TaskCall
from prefect._engine.task_run import task_run as bare_task_run
from prefect._engine.tracking import take_up
from prefect.context import EngineContext, TaskRunContext

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from prefect.flows import Flow
    from prefect.futures import PrefectFuture
    from prefect.tasks import Task

_flow_context = EngineContext._var
_task_context = TaskRunContext._var
flow_run, task_run = bare_flow_run, bare_task_run


def trace() -> None:
    """Make an OpenTelemetry span of every run from now on."""
    global flow_run, task_run
    flow_run, task_run = tracing.traced_flows(bare_flow_run), tracing.traced_tasks(bare_task_run)


if tracing.is_asked_for():
    trace()


def call_task(
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    wait_for: Any = None,
    return_state: bool = False,
) -> Any:
    """Run a task here and give its result (a coroutine or an iterator of it, where the function is one)."""
    parameters = task.binder.bind(args, kwargs)
    flow: FlowCall | None = _flow_context.get()
    call = TaskCall(
        task,
        parameters,
        args,
        kwargs,
        flow=flow,
        parent=_task_context.get(),
        backend=flow.backend if flow is not None else backend(),
        wait_for=wait_for,
    )
    if not task.isasync:
        if task.isgenerator:
            return iterate(_answered(task_run(call), call.answer))
        drive(task_run(call))
        return call.state if return_state else call.answer()
    if task.isgenerator:
        return iterate_async(_answered(task_run(call), call.answer))
    return _task_async(call, return_state)


def _answered(run: Generator[Any, Any, Any], answer: Callable[[], Any]) -> Generator[Any, Any, Any]:
    """A run whose answer is what the iteration over it returns, or raises."""
    yield from run
    return answer()


async def _task_async(call: TaskCall, return_state: bool) -> Any:
    await drive_async(task_run(call))
    return call.state if return_state else call.answer()


def make_call(
    task: Task[..., Any],
    parameters: dict[str, Any],
    *,
    wait_for: Iterable[Any] | None = None,
    dependencies: dict[str, set[Any]] | None = None,
    run_id: UUID | None = None,
) -> TaskCall:
    """A task run that is made now, in this context, and executed later."""
    flow: FlowCall | None = _flow_context.get()
    call = TaskCall(
        task,
        parameters,
        None,
        None,
        flow=flow,
        parent=_task_context.get(),
        backend=flow.backend if flow is not None else backend(),
        wait_for=wait_for,
        run_id=run_id.bytes if run_id is not None else None,
    )
    if dependencies:
        call.add_inputs(dependencies)
    return call


def new_call(task: Task[..., Any], parameters: dict[str, Any], **options: Any) -> TaskCall:
    """`make_call`, and the run is on record as Pending, unless an earlier attempt may have recorded it already."""
    call = make_call(task, parameters, **options)
    if call.flow is None or call.flow.recorded is None:
        call.refresh()
        call.journal.put(call)
    return call


def pending_inputs(call: TaskCall) -> list[PrefectFuture[Any]]:
    """The futures among a call's inputs that have not ended. Raises ValueError for an input that waits for itself."""
    if call.wait_for is None and inputs.all_plain(call.parameters):
        return []
    sources = [u.source for value in call.parameters.values() for u in inputs.upstream_of(value)]
    if call.wait_for is not None:
        sources += [u.source for u in inputs.upstream_of(call.wait_for)]
    return [s for s in sources if inputs.kind_of(type(s)) == inputs.FUTURE and not getattr(s, "_done", False)]


def execute_in_worker(call: TaskCall) -> None:
    """Run a call in this worker thread; whatever it raises stays in its state."""
    try:
        if call.task.isasync:
            run_awaitable(drive_async(task_run(call)))
        else:
            drive(task_run(call))
    except BaseException as exc:
        call.exception = exc


def expect(task: Task[..., Any], count: int) -> None:
    """Tell the live view how many runs a map will have."""
    flow: FlowCall | None = _flow_context.get()
    view = flow.root_view() if flow is not None else None
    if flow is not None and view is not None:
        view.expect(flow.id, task.name, count)


def call_flow(
    flow: Flow[..., Any],
    parameters: dict[str, Any],
    *,
    wait_for: Iterable[Any] | None = None,
    return_state: bool = False,
) -> Any:
    """Run a flow here and give its result (a coroutine or an iterator of it, where the function is one)."""
    parent: FlowCall | None = _flow_context.get()
    call = FlowCall(
        flow,
        parameters,
        backend=parent.backend if parent is not None else backend(),
        parent=parent,
        parent_task=_task_context.get(),
        wait_for=wait_for,
    )
    return run_flow_call(call, return_state=return_state)


def run_flow_call(call: FlowCall, *, return_state: bool = False) -> Any:
    """Run a flow call that has been made."""
    flow = call.flow
    if flow_run is bare_flow_run and tracing.has_provider():
        trace()
    if not flow.isasync:
        if flow.isgenerator:
            return iterate(_answered(flow_run(call), lambda: call.answer(False)))
        drive(flow_run(call))
        return call.answer(return_state)
    if flow.isgenerator:
        return iterate_async(_answered(flow_run(call), lambda: call.answer(False)))
    return _flow_async(call, return_state)


def carry_out(call: FlowCall) -> None:
    """Run a flow call that has been made to its end, in this thread. What it comes to is on record.

    Raises:
        BaseException: what ended it that is no failure of the flow.
    """
    flow = call.flow
    if not flow.isgenerator:
        if flow.isasync:
            run_awaitable(drive_async(flow_run(call)))
        else:
            drive(flow_run(call))
        return
    items = run_flow_call(call)
    if flow.isasync:
        run_awaitable(_exhausted(items))
    else:
        for _ in items:
            pass


async def _exhausted(items: Any) -> None:
    async for _ in items:
        pass


async def _flow_async(call: FlowCall, return_state: bool) -> Any:
    await drive_async(flow_run(call))
    return call.answer(return_state)


def resume(flow: Flow[..., Any], run_id: bytes, parameters: dict[str, Any]) -> FlowCall:
    """Take an existing flow run up in this process: execute it with `run_flow_call`.

    Raises:
        ObjectNotFound: there is no such run.
        Abort: another process executes it.
    """
    call = FlowCall(flow, parameters, backend=backend())
    drive(take_up(call, run_id))
    return call

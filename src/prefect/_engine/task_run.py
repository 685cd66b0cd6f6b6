"""One task run, described once: resolve inputs -> replay or cache -> attempt* -> finish."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prefect._base import current
from prefect._base.drive import Call
from prefect._base.faultpoint import reach
from prefect._engine import inputs, replay, retries
from prefect._engine.effects import TimedCall, Verb
from prefect._engine.generators import pass_through
from prefect._engine.hooks import run_hooks
from prefect._engine.names import task_run_name_of
from prefect._engine.timeouts import ScopeTimeout, in_worker_thread
from prefect.context import TaskRunContext
from prefect.exceptions import Abort, Pause
from prefect.model.crashes import crash_message
from prefect.model.outcome import is_plain, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefect._engine.task_call import TaskCall

    Run = Generator[Any, Any, Any]

_context = TaskRunContext._var


class TaskRunTimeoutError(TimeoutError):
    """A task run took longer than its `timeout_seconds` (behaviour 46)."""


def task_run(call: TaskCall) -> Run:
    """Run the task to its end. What the caller gets is read from the call afterwards."""
    token = _context.set(call)
    limited = False
    try:
        try:
            # what needs no generator gets none: each costs a plain call about half a microsecond
            if (yield from prepare(call)) if call.track_inputs() else is_to_run(call):
                if call.detail is not None and "tags" in call.detail:
                    limited = yield from take_slots(call)
                call.transition("RUNNING", "Running")
                reach("task_run.started")
                if call.task.on_running_hooks:
                    yield from _hooks(call, call.task.on_running_hooks)
                yield from attempts(call)
                if limited:
                    yield from give_back_slots(call)
            elif call.done and call.in_transaction():
                call.make_transaction().take_part_again()
        except BaseException as exc:
            yield from _crash(call, exc)
            if limited:
                yield from give_back_slots(call)
            raise
    finally:
        with suppress(ValueError):  # an abandoned asynchronous generator is closed in another context
            _context.reset(token)


def take_slots(call: TaskCall) -> Generator[Any, Any, bool]:
    """Take a slot of each limit on the run's tags, waiting for them; whether there are any."""
    assert call.detail is not None
    tags = call.detail["tags"]
    names = yield Verb(call.backend, lambda: call.backend.limits_of_tags(tags))
    if not names:
        return False
    from prefect._engine import tag_slots  # 150 ms of import that only limited tasks need

    return (yield from tag_slots.take(call, names))


def give_back_slots(call: TaskCall) -> Run:
    """The run has ended, or waits for its next try: others may run."""
    from prefect._engine import tag_slots  # loaded: slots were taken

    yield from tag_slots.give_back(call)


def prepare(call: TaskCall) -> Generator[Any, Any, bool]:
    """Resolve the inputs; False where nothing is left to run."""
    try:
        yield from resolve(call)
    except inputs.NotReady as exc:
        call.logger().warning("%s The task is not run.", exc)
        call.transition("PENDING", "NotReady", str(exc))
        return False
    except inputs.SelfDependency as exc:
        call.exception = exc
        yield from fail(call)
        return False
    return is_to_run(call)


def is_to_run(call: TaskCall) -> bool:
    """Give the run its name, and look whether it was recorded: False where it was, and need not be run."""
    if call.task.task_run_name is not None:
        call.rename(task_run_name_of(call.task, call.parameters))
    flow = call.flow
    return flow is None or flow.recorded is None or not _replayed(call, flow.recorded, call.parameters)


def resolve(call: TaskCall) -> Generator[Any, Any, None]:
    """Wait for what the arguments depend on, and put the results in their place."""
    upstream = [u for value in call.parameters.values() for u in inputs.upstream_of(value)]
    if call.wait_for is not None:
        upstream += inputs.upstream_of(call.wait_for)
    if call.future is not None and any(u.source is call.future for u in upstream):
        raise inputs.SelfDependency(call.task.name)
    if upstream:
        yield from inputs.wait_for_upstream(upstream)
    if any(inputs.needs_resolving(value) for value in call.parameters.values()):
        call.parameters = {name: inputs.resolved(value) for name, value in call.parameters.items()}
        call.args = call.kwargs = None


def attempts(call: TaskCall) -> Run:
    """Call the function until it succeeds or there are no retries left."""
    args, kwargs = call.call_arguments()
    plain = not (call.task.isgenerator or call.task.timeout_seconds or call.log_prints)
    while True:
        value = found = None
        try:
            if call.persist_result:
                from prefect._engine import persistence  # 150 ms of import that only such results need

                found = yield from persistence.begin(call)
            if plain and found is None:
                value = yield Call(call.task.fn, args, kwargs)
            elif found is None:
                value = yield from (invoke if not call.task.isgenerator else _items)(call, args, kwargs)
        except Exception as exc:
            call.exception = exc
            if call.transaction is not None:
                yield from call.transaction.abandon()
            if (yield from _again(call, call.failed_state)):
                continue
            yield from fail(call)
        else:
            if found is not None:
                yield from complete(call, found.result, "Cached")
            elif not is_plain(value) and (yield from _settled_by_state(call, value)):
                continue
            if call.in_transaction() or call.task.on_completion_hooks:
                if not call.done:
                    yield from complete(call, value)
            elif not call.done:
                succeed(call, value, "Completed")
                if call.is_stored():
                    yield _safe(call)
                reach("task_run.finished")
        return


def _again(call: TaskCall, state: Callable[[], Any]) -> Generator[Any, Any, bool]:
    """Enter the next try, where there is one: that is running again, for the hooks too."""
    if not (yield from retries.retry(call, state)):
        return False
    if call.task.on_running_hooks:
        yield from _hooks(call, call.task.on_running_hooks)
    return True


def _settled_by_state(call: TaskCall, value: Any) -> Generator[Any, Any, bool]:
    """A returned State (or a collection of them) decides the run's state; True where it is tried again."""
    outcome = outcome_of(value)
    if outcome is None:
        return False
    call.value = value
    call.returned_state = outcome.state
    if outcome.type == "COMPLETED":
        if call.in_transaction():
            yield from call.make_transaction().settle(outcome.state.data)
    elif call.transaction is not None:
        yield from call.transaction.abandon()
    if outcome.type == "FAILED":
        if (yield from _again(call, lambda: outcome.state)):
            return True
        yield from _roll_back_around(call)
        call.transition(outcome.type, outcome.name, outcome.message)
        if call.task.on_failure_hooks:
            yield from _hooks(call, call.task.on_failure_hooks)
    else:
        call.transition(outcome.type, outcome.name, outcome.message)
        if call.task.on_completion_hooks and outcome.type == "COMPLETED":
            yield from _hooks(call, call.task.on_completion_hooks)
    call.done = True
    return False


def complete(call: TaskCall, value: Any, name: str = "Completed") -> Run:
    """The run has succeeded: commit it, record it, run its hooks."""
    if call.in_transaction():
        yield from call.make_transaction().settle(value)
    succeed(call, value, name)
    if call.is_stored() and name != "Cached":
        yield _safe(call)
    reach("task_run.finished")
    if call.task.on_completion_hooks:
        yield from _hooks(call, call.task.on_completion_hooks)


def succeed(call: TaskCall, value: Any, name: str) -> None:
    """Enter the completed state, with the result."""
    call.exception = None
    call.value = value
    if call.memo is not None:
        record(call, value)
    call.transition("COMPLETED", name)
    call.done = True


def _safe(call: TaskCall) -> Verb:
    """A durable task that returned never runs again: its end is on disk before anything goes on."""
    return Verb(call.backend, call.journal.commit)


def record(call: TaskCall, value: Any) -> None:
    """Keep a small result for a resumed attempt, and tell the lineage whose result it is."""
    flow = call.flow
    assert flow is not None
    flow.lineage.remember(value, call.id)
    if flow.record_limit and not call.is_stored() and not call.is_undone():
        call.result_blob = replay.encode(value, flow.record_limit, call.task.name)
    if call.result_blob is not None or call.persisted is not None:
        call.digest = replay.digest_of(call.parameters)


def fail(call: TaskCall) -> Run:
    """The run has failed for good."""
    exc = call.exception
    message = call.failure_message()
    suffix = " - Retries are exhausted" if call.task.retries else ""
    call.logger().error("Task run failed with exception: %r%s", exc, suffix, exc_info=exc)
    yield from _roll_back_around(call)
    if call.persist_result:
        from prefect._engine import persistence  # 150 ms of import that only such results need

        yield from persistence.write_failure(call)
    name = "TimedOut" if isinstance(exc, TaskRunTimeoutError) else "Failed"
    call.transition("FAILED", name, message)
    call.done = True
    if call.task.on_failure_hooks:
        yield from _hooks(call, call.task.on_failure_hooks)


def _roll_back_around(call: TaskCall) -> Run:
    """The transactions that a failed run was part of have failed with it."""
    if call.parent is not None or current.transaction.get() is not None:
        from prefect._base_transaction import enclosing  # few runs fail in a transaction

        around = enclosing(call.caller, make=False)
        if around is not None:
            yield from around._rollback()


def invoke(call: TaskCall, args: Any, kwargs: Any) -> Run:
    """Call the function once, under its time limit."""
    if call.log_prints:
        from prefect.logging.loggers import patch_print  # the logging room is set up by the first line

        with patch_print():
            return (yield from _invoke(call, args, kwargs))
    return (yield from _invoke(call, args, kwargs))


def _invoke(call: TaskCall, args: Any, kwargs: Any) -> Run:
    timeout = call.task.timeout_seconds
    if timeout is None:
        return (yield Call(call.task.fn, args, kwargs))
    if call.future is not None and not call.task.isasync and in_worker_thread():
        call.logger().warning(
            "Task '%s' has a time limit and is running in a worker thread, where a call that blocks cannot be "
            "interrupted: it would be reported as still running.",
            call.task.name,
        )
    try:
        return (yield TimedCall(call.task.fn, args, kwargs, timeout))
    except ScopeTimeout as exc:
        raise TaskRunTimeoutError(str(exc)) from None


def _items(call: TaskCall, args: Any, kwargs: Any) -> Run:
    """Hand the items of a generator function on; nobody iterates over a submitted one."""
    function = Call(call.task.fn, args, kwargs)
    return (yield from pass_through(function, _context, call.parent, emits=call.future is None))


def replayed_before_sending(call: TaskCall) -> bool:
    """Replay a call here that another process would run: it does not know what an earlier attempt recorded."""
    flow = call.flow
    if flow is None or flow.recorded is None:
        return False
    try:
        parameters = {name: inputs.resolved(value) for name, value in call.parameters.items()}
    except Exception:  # an input has failed: the other process says so
        return False
    return _replayed(call, flow.recorded, parameters)


def _replayed(call: TaskCall, recorded: replay.Recorded, parameters: dict[str, Any]) -> bool:
    """Take the result that an earlier attempt recorded; the earlier row stays as it is."""
    flow = call.flow
    assert flow is not None
    row = recorded.take(call.memo, replay.digest_of(parameters), call.task.name)
    if row is None:
        return False
    try:
        call.adopt(row)
    except Exception as exc:
        call.logger().warning("The recorded result cannot be read (%r); the task runs again.", exc)
        return False
    recorded.replayed.append(row.id)
    flow.lineage.remember(call.value, row.id)
    call.logger().debug("Replayed from the record of an earlier attempt")
    return True


def _crash(call: TaskCall, exc: BaseException) -> Run:
    """Something other than an exception of the user's code ended the run."""
    call.exception = exc
    if call.transaction is not None and not call.done:
        yield from call.transaction.abandon()
    if not call.done and not isinstance(exc, (Abort, Pause)):
        cancelled = call.flow is not None and call.flow.stopping
        call.transition(
            "CANCELLED" if cancelled else "CRASHED",
            "Cancelled" if cancelled else "Crashed",
            crash_message(exc),
        )


def _hooks(call: TaskCall, hooks: Any) -> Run:
    yield from run_hooks(hooks, call.task, call.task_run, call.state, call.logger())

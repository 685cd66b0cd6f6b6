"""Flow runs that wait: pause and resume them, suspend them, wait for their end.

A paused run keeps its process, which waits here. A suspended one holds none: it is executed again once it is resumed,
what it has recorded is replayed, and the pauses that it has been through are passed by.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload
from uuid import UUID

from prefect._base.clock import now_us
from prefect._base.drive import Sleep, drive_async
from prefect.client._news import News
from prefect.client._use import Using, either
from prefect.context import EngineContext
from prefect.exceptions import (
    Abort,
    FlowPauseTimeout,
    FlowRunWaitTimeout,
    NotPausedError,
    ObjectAlreadyExists,
    Pause,
)
from prefect.logging.loggers import get_logger, get_run_logger

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._backend.protocol import Answer
    from prefect.client.orchestration import PrefectClient
    from prefect.input.keysets import Keyset
    from prefect.model.responses import OrchestrationResult
    from prefect.model.runs import FlowRun
    from prefect.model.state import State

__all__ = [
    "apause_flow_run",
    "aresume_flow_run",
    "asuspend_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]

T = TypeVar("T")
Steps = "Generator[Any, Any, T]"

_FINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.05, 1.0


@overload
def pause_flow_run(
    wait_for_input: None = None, timeout: int = 3600, poll_interval: int = 10, key: str | None = None
) -> None: ...
@overload
def pause_flow_run(
    wait_for_input: type[T], timeout: int = 3600, poll_interval: int = 10, key: str | None = None
) -> T: ...
def pause_flow_run(
    wait_for_input: type[T] | None = None,
    timeout: int = 3600,
    poll_interval: int = 10,
    key: str | None = None,
) -> T | None:
    """Wait, in this flow run, until somebody resumes it.

    Args:
        wait_for_input: what to wait for: a `RunInput`, another pydantic model, or a plain type.
        timeout: seconds after which the run fails.
        poll_interval: seconds between two looks, where there is only a server of another make to look at; the store
            and a server of ours are looked at more often.
        key: the name of the pause. Each fires once in a run; by default they are numbered.

    Returns:
        The input; an awaitable of it in an asynchronous flow.

    Raises:
        RuntimeError: this is no flow run, or it cannot be paused.
        FlowPauseTimeout: nobody has resumed it in time.
    """
    return either(_pause(wait_for_input, timeout, poll_interval, key))


async def apause_flow_run(
    wait_for_input: type[T] | None = None,
    timeout: int = 3600,
    poll_interval: int = 10,
    key: str | None = None,
) -> T | None:
    """The async form of `pause_flow_run`."""
    return await drive_async(_pause(wait_for_input, timeout, poll_interval, key))


def suspend_flow_run(
    wait_for_input: type[T] | None = None,
    flow_run_id: UUID | None = None,
    timeout: int | None = None,
    key: str | None = None,
) -> T | None:
    """End the process of a flow run of a deployment until somebody resumes it; then it is executed again.

    What it has recorded is replayed, so it arrives here again, and goes on.

    Args:
        wait_for_input: what to wait for: a `RunInput`, another pydantic model, or a plain type.
        flow_run_id: which run; by default the one that this code is part of.
        timeout: seconds after which the run fails; None: never.
        key: the name of the pause. Each fires once in a run; by default they are numbered.

    Returns:
        The input, once it is there; an awaitable of it in an asynchronous flow.

    Raises:
        Pause: the run is suspended: nothing may catch this.
        RuntimeError: it cannot be suspended: it has no deployment, or is a subflow, or does not run.
    """
    return either(_suspend(wait_for_input, flow_run_id, timeout, key))


async def asuspend_flow_run(
    wait_for_input: type[T] | None = None,
    flow_run_id: UUID | None = None,
    timeout: int | None = None,
    key: str | None = None,
) -> T | None:
    """The async form of `suspend_flow_run`."""
    return await drive_async(_suspend(wait_for_input, flow_run_id, timeout, key))


def resume_flow_run(flow_run_id: UUID, run_input: dict[str, Any] | None = None) -> None:
    """Let a paused or suspended flow run go on.

    Args:
        flow_run_id: which.
        run_input: what it waits for, field by field; for a plain type `{"value": …}`.

    Raises:
        NotPausedError: the run is not paused.
        RuntimeError: the input is not what it waits for, or the run cannot be resumed any more.
        ObjectNotFound: there is no such run.
    """
    return either(_resume(flow_run_id, run_input))


async def aresume_flow_run(flow_run_id: UUID, run_input: dict[str, Any] | None = None) -> None:
    """The async form of `resume_flow_run`."""
    await drive_async(_resume(flow_run_id, run_input))


async def wait_for_flow_run(
    flow_run_id: UUID,
    timeout: int | None = 10800,
    poll_interval: int | None = None,
    client: PrefectClient | None = None,
    log_states: bool = False,
) -> FlowRun:
    """Wait until a flow run has ended.

    Args:
        flow_run_id: which.
        timeout: seconds; None: for ever.
        poll_interval: seconds between two looks; by default a twentieth of a second at first and a second at last.
        client: whom to ask; by default the API that the settings name.
        log_states: whether each new state becomes a log line.

    Returns:
        The run, in its final state.

    Raises:
        FlowRunWaitTimeout: it has not ended in that time.
        ObjectNotFound: there is no such run.
    """
    return await drive_async(_wait_for_end(flow_run_id, timeout, poll_interval, client, log_states))


# --- as steps ------------------------------------------------------------------------------------------


def _pause(input_type: Any, timeout: int, poll_interval: float, key: str | None) -> Generator[Any, Any, Any]:
    context = _context("paused")
    key = key or context.next_pause_key()
    log = get_run_logger()
    log.info("Pausing flow, execution will continue when this flow run is resumed.")
    asked = _Asked.of(input_type, f"paused-{key}")
    yield from asked.publish(context.record.id)
    answer: Answer = yield from context.propose(
        "PAUSED", "Paused", details=_details(key, timeout, asked, reschedule=False)
    )
    if answer.status == "ABORT":
        raise RuntimeError(f"Flow run cannot be paused: {answer.reason}")
    if answer.status == "ACCEPT":
        yield from asked.publish(context.record.id)
        yield from _wait_for_resume(context, now_us() + timeout * 1_000_000, poll_interval)
        log.info("Resuming flow run execution!")
    elif context.record.state.type != "RUNNING":
        raise RuntimeError(f"Flow run cannot be paused: {answer.reason}")
    return (yield from asked.load(context.record.id))


def _wait_for_resume(
    context: EngineContext, deadline: int, poll_interval: float
) -> Generator[Any, Any, None]:
    news = News(context.backend, UUID(bytes=context.record.id), poll_interval)
    while True:
        run = yield from context.look()
        if run.state.type == "RUNNING":
            return
        if run.state.type in _FINAL or (run.state.type == "PAUSED" and now_us() >= deadline):
            raise FlowPauseTimeout("Flow run was paused and never resumed.")
        if run.state.type == "SCHEDULED":
            raise Abort(
                f"Flow run '{run.name}' was scheduled again while it was paused: it starts over elsewhere."
            )
        yield from news.wait(max((deadline - now_us()) / 1_000_000, 0.01))


def _suspend(
    input_type: Any, flow_run_id: UUID | None, timeout: int | None, key: str | None
) -> Generator[Any, Any, Any]:
    context = EngineContext.get()
    if flow_run_id is not None and (context is None or context.record.id != flow_run_id.bytes):
        return (yield from _suspend_other(flow_run_id, input_type, timeout, key))
    context = _context("suspended")
    key = key or context.next_pause_key()
    asked = _Asked.of(input_type, f"suspended-{key}")
    get_run_logger().info("Suspending flow run, execution will be rescheduled when this flow run is resumed.")
    yield from asked.publish(context.record.id)
    answer: Answer = yield from context.propose(
        "PAUSED", "Suspended", details=_details(key, timeout, asked, reschedule=True)
    )
    if answer.status == "ACCEPT":
        yield from asked.publish(context.record.id)
        raise Pause(state=_state_of(context))
    if answer.status == "ABORT" or context.record.state.type != "RUNNING":
        raise RuntimeError(f"Flow run cannot be suspended: {answer.reason}")
    return (yield from asked.load(context.record.id))


def _suspend_other(
    flow_run_id: UUID, input_type: Any, timeout: int | None, key: str | None
) -> Generator[Any, Any, None]:
    """Suspend a run that is executed elsewhere."""
    from prefect.states import Suspended  # 150 ms of import that a flow which suspends itself does not need

    state = Suspended(timeout_seconds=timeout, pause_key=key)
    asked = _Asked.of(input_type, f"suspended-{state.state_details.pause_key or state.id}")
    state.state_details.run_input_keyset = cast("Any", asked.keyset)
    answer: OrchestrationResult[Any] = yield Using(
        None, "set_flow_run_state", flow_run_id=flow_run_id, state=state
    )
    if answer.status.value != "ACCEPT":
        raise RuntimeError(f"Flow run cannot be suspended: {getattr(answer.details, 'reason', None)}")
    yield from asked.publish(flow_run_id.bytes)


def _resume(flow_run_id: UUID, run_input: dict[str, Any] | None) -> Generator[Any, Any, None]:
    run: FlowRun = yield Using(None, "read_flow_run", flow_run_id=flow_run_id)
    if run.state is None or not run.state.is_paused():
        raise NotPausedError("Cannot resume a run that isn't paused!")
    answer: OrchestrationResult[Any] = yield Using(
        None, "resume_flow_run", flow_run_id=flow_run_id, run_input=run_input
    )
    if answer.status.value == "ACCEPT":
        return
    reason = getattr(answer.details, "reason", None)
    if answer.status.value == "ABORT" and answer.state is None:
        raise NotPausedError("Cannot resume a run that isn't paused!")
    raise RuntimeError(f"Cannot resume this run: {reason}")


def _wait_for_end(
    flow_run_id: UUID, timeout: float | None, poll_interval: float | None, client: Any, log_states: bool
) -> Generator[Any, Any, FlowRun]:
    deadline = None if timeout is None else now_us() + timeout * 1_000_000
    seconds, known = poll_interval or _FIRST_LOOK_SECONDS, None
    log = get_logger()
    while True:
        run: FlowRun = yield Using(client, "read_flow_run", flow_run_id=flow_run_id)
        state: State[Any] | None = run.state
        if log_states and state is not None and state.id != known:
            log.info("Flow run is in state %r", state.name)
            known = state.id
        if state is not None and state.is_final():
            return run
        if deadline is not None and now_us() >= deadline:
            raise FlowRunWaitTimeout(
                f"Flow run with ID {flow_run_id} exceeded watch timeout of {timeout} seconds"
            )
        left = seconds if deadline is None else (deadline - now_us()) / 1_000_000
        yield Sleep(min(seconds, max(left, 0.01)))
        seconds = poll_interval or min(seconds * 1.5, _LAST_LOOK_SECONDS)


# --- parts ---------------------------------------------------------------------------------------------


class _Asked:
    """The input that a pause waits for, if any."""

    def __init__(self, model: Any, keyset: Keyset | None) -> None:
        self._model = model
        self.keyset = keyset

    @classmethod
    def of(cls, input_type: Any, base_key: str) -> _Asked:
        if input_type is None:
            return cls(None, None)
        from prefect.input.keysets import keyset_from_base_key  # pydantic, which only pauses with input need
        from prefect.input.run_input import run_input_subclass_from_type

        return cls(run_input_subclass_from_type(input_type), keyset_from_base_key(base_key))

    def publish(self, run_id: bytes) -> Generator[Any, Any, None]:
        """Say what is expected: before the run is paused, so that nobody can answer anything else; and behind that.

        Entering the pause drops what an earlier try has left under the keys, and a Prefect server everything.
        """
        if self._model is not None:
            with suppress(ObjectAlreadyExists):
                yield from self._model.saving(self.keyset, UUID(bytes=run_id))

    def load(self, run_id: bytes) -> Generator[Any, Any, Any]:
        """What was answered."""
        if self._model is None:
            return None
        steps: Generator[Any, Any, Any] = self._model.loading(self.keyset, UUID(bytes=run_id))
        return (yield from steps)


def _context(what: str) -> EngineContext:
    context = EngineContext.get()
    if context is None:
        raise RuntimeError(f"Flow runs can only be {what} from within a flow run.")
    return context


def _details(key: str, timeout: float | None, asked: _Asked, *, reschedule: bool) -> dict[str, Any]:
    details = {
        "pause_key": key,
        "pause_timeout": None if timeout is None else now_us() + round(timeout * 1_000_000),
        "pause_reschedule": reschedule or None,
        "run_input_keyset": asked.keyset,
    }
    return {name: value for name, value in details.items() if value is not None}


def _state_of(context: EngineContext) -> State[Any]:
    from prefect.model.state import State  # 150 ms of import that only a run which is suspended needs

    return State.from_record(context.record.state, flow_run_id=context.record.id)

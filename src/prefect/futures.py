"""Futures: the handle on a submitted run."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import abc
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._base import clock

if TYPE_CHECKING:
    from concurrent.futures import Future

    from prefect.client.schemas.objects import State

__all__ = [
    "DoneAndNotDoneFutures",
    "PrefectConcurrentFuture",
    "PrefectDistributedFuture",
    "PrefectFlowRunFuture",
    "PrefectFuture",
    "PrefectFutureList",
    "PrefectTaskRunFuture",
    "PrefectWrappedFuture",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]

R = TypeVar("R")
F = TypeVar("F")


class _Slot(threading.local):
    """What this thread occupies in a task runner, if it is one of its workers."""

    lend: Callable[[], Any] | None = None


slot = _Slot()


class PrefectFuture(abc.ABC, Generic[R]):
    """The handle on a run: wait for it, ask for its state or its result. Its methods are always synchronous."""

    _is_future = True

    def __init__(self, task_run_id: UUID) -> None:
        self._task_run_id = task_run_id

    @property
    def task_run_id(self) -> UUID:
        """The id of the task run."""
        return self._task_run_id

    @property
    @abc.abstractmethod
    def state(self) -> State[R]:
        """The present state of the run."""

    @property
    def state_type(self) -> str:
        """The type of the present state, by name."""
        return self.state.type.value

    @abc.abstractmethod
    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for `timeout` seconds. Never raises for what the run did."""

    @abc.abstractmethod
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The result of the run, once it has ended.

        Raises:
            TimeoutError: it has not ended within `timeout` seconds.
            Exception: what the run raised, if it failed and `raise_on_failure` is set.
        """

    @abc.abstractmethod
    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        """Call `fn(future)` once the run has ended; at once if it has."""


class PrefectTaskRunFuture(PrefectFuture[R]):
    """A future of a task run."""


class PrefectWrappedFuture(PrefectTaskRunFuture[R], Generic[R, F]):
    """A future around one of another library: what third-party task runners return."""

    def __init__(self, task_run_id: UUID, wrapped_future: F) -> None:
        super().__init__(task_run_id)
        self._wrapped_future = wrapped_future
        self._final_state: State[R] | None = None

    @property
    def wrapped_future(self) -> F:
        """The other library's future; its result is the run's final state."""
        return self._wrapped_future

    @property
    def state(self) -> State[R]:
        """The final state, once there is one; Pending before."""
        if self._final_state is None:
            from prefect.states import State, StateType  # 150 ms of import that only code which looks needs

            return State(type=StateType.PENDING)
        return self._final_state

    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        """Call `fn(future)` once the wrapped future has ended."""
        wrapped: Any = self._wrapped_future
        wrapped.add_done_callback(lambda _: fn(self))


class PrefectConcurrentFuture(PrefectWrappedFuture[R, "Future[R]"]):
    """A future around a `concurrent.futures.Future` that returns the run's final State."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for `timeout` seconds."""
        from concurrent.futures import TimeoutError as WaitedTooLong  # only third-party runners come here

        try:
            self._take(self._wrapped_future.result(timeout=timeout))
        except WaitedTooLong:
            return

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The result of the run; see `PrefectFuture.result`."""
        self.wait(timeout)
        if self._final_state is None:
            raise TimeoutError(_not_in_time(self.task_run_id, timeout))
        found: Any = self._final_state.result(raise_on_failure=raise_on_failure)
        return found

    def _take(self, value: Any) -> None:
        if getattr(type(value), "_is_prefect_state", False):
            self._final_state = value


class _StoredFuture(PrefectFuture[R]):
    """The handle on a run that somebody else executes: it asks the store."""

    POLL_SECONDS = 0.1
    FIRST_POLL_SECONDS = 0.005

    @property
    def state(self) -> State[R]:
        """The present state of the run, as the store has it."""
        return self._read()

    @abc.abstractmethod
    def _read(self) -> State[R]: ...

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for `timeout` seconds."""
        deadline, pause = None if timeout is None else time.monotonic() + timeout, self.FIRST_POLL_SECONDS
        while not self.state.is_final() and (deadline is None or time.monotonic() < deadline):
            clock.clock().sleep(pause)
            pause = min(2 * pause, self.POLL_SECONDS)

    async def wait_async(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for `timeout` seconds, letting the event loop go on."""
        deadline, pause = None if timeout is None else time.monotonic() + timeout, self.FIRST_POLL_SECONDS
        while not self.state.is_final() and (deadline is None or time.monotonic() < deadline):
            await clock.clock().sleep_async(pause)
            pause = min(2 * pause, self.POLL_SECONDS)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The result of the run; see `PrefectFuture.result`.

        Raises:
            MissingResult: it was not persisted, so that nobody else can read it.
        """
        self.wait(timeout)
        return self._result(timeout, raise_on_failure)

    async def result_async(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The result of the run; see `result`."""
        await self.wait_async(timeout)
        return self._result(timeout, raise_on_failure)

    aresult = result_async

    def _result(self, timeout: float | None, raise_on_failure: bool) -> R:
        state = self.state
        if not state.is_final():
            raise TimeoutError(_not_in_time(self.task_run_id, timeout))
        from prefect.model.state_result import result_of  # there is a state, so it is loaded

        return result_of(state, raise_on_failure=raise_on_failure)

    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        """Call `fn(future)` once the run has ended: from a thread that watches for it."""

        def watch() -> None:
            self.wait()
            fn(self)

        threading.Thread(target=watch, name="prefect-future", daemon=True).start()


class PrefectDistributedFuture(_StoredFuture[R], PrefectTaskRunFuture[R]):
    """The future of a background task (`.delay`, `.apply_async`), which a task worker executes."""

    def _read(self) -> State[R]:
        from prefect.model.runs import TaskRun  # 150 ms of import that only code which looks needs

        run = TaskRun.from_record(backend().read_task_run(self.task_run_id.bytes))
        assert run.state is not None
        return run.state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrefectDistributedFuture) and self.task_run_id == other.task_run_id

    def __hash__(self) -> int:
        return hash(self.task_run_id)


class PrefectFlowRunFuture(_StoredFuture[R]):
    """The future of a flow run that another process executes."""

    def __init__(self, flow_run_id: UUID) -> None:
        super().__init__(flow_run_id)

    @property
    def flow_run_id(self) -> UUID:
        """The id of the flow run."""
        return self._task_run_id

    def _read(self) -> State[R]:
        from prefect.states import State  # 150 ms of import that only code which looks needs

        return State.from_record(backend().read_flow_run(self.flow_run_id.bytes).state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrefectFlowRunFuture) and self.flow_run_id == other.flow_run_id

    def __hash__(self) -> int:
        return hash(self.flow_run_id)


_guard = threading.Lock()


class RunFuture(PrefectConcurrentFuture[R]):
    """The future of a task run that this process executes: it reads the run itself, so that making one is cheap."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._done = False
        self._callbacks: list[Callable[[PrefectFuture[R]], None]] | None = None
        self._event: threading.Event | None = None

    @property
    def task_run_id(self) -> UUID:
        """The id of the task run."""
        return UUID(bytes=self._call.id)

    @property
    def wrapped_future(self) -> Future[R]:
        """A standard future that ends with this one."""
        from concurrent.futures import Future  # only code that asks needs it

        standard: Future[R] = Future()
        self.add_done_callback(lambda _: standard.set_result(self.state))  # type: ignore[arg-type]
        return standard

    @property
    def state(self) -> State[R]:
        """The present state of the run."""
        return self._call.state

    @property
    def state_type(self) -> str:
        """The type of the present state, by name."""
        return self._call.state_type

    def done(self) -> bool:
        """Whether the run has ended."""
        return self._done

    def set_done(self) -> None:
        """The run has ended: called once, by the thread that executed it."""
        self._done = True
        # who adds a callback or an event looks at `_done` afterwards, so that this needs no lock
        if self._event is not None:
            self._event.set()
        if self._callbacks is not None:
            self._call_back()

    def _call_back(self) -> None:
        with _guard:
            callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback(self)

    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        """Call `fn(future)` once the run has ended; at once if it has."""
        with _guard:
            self._callbacks = [*(self._callbacks or ()), fn]
        if self._done:
            self._call_back()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or for `timeout` seconds. A worker thread lends its slot meanwhile."""
        if self._done:
            return
        with _guard:
            if self._event is None:
                self._event = threading.Event()
        if self._done:
            return
        if slot.lend is None:
            self._event.wait(timeout)
        else:
            with slot.lend():
                self._event.wait(timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The result of the run; see `PrefectFuture.result`."""
        self.wait(timeout)
        if not self._done:
            raise TimeoutError(_not_in_time(self.task_run_id, timeout))
        return self._call.result(raise_on_failure=raise_on_failure)

    def __repr__(self) -> str:
        return f"PrefectConcurrentFuture(task_run_id={self.task_run_id}, name={self._call.name!r})"


def _not_in_time(run_id: UUID, timeout: float | None) -> str:
    return f"Task run {run_id} did not complete within {timeout} seconds"


class PrefectFutureList(list[PrefectFuture[R]], Iterator[PrefectFuture[R]]):
    """The futures of a `.map`, in the order of its items."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait for every run, or for `timeout` seconds in all."""
        wait(self, timeout=timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """The results, in order; a failure is raised as soon as there is one.

        Raises:
            TimeoutError: not every run has ended within `timeout` seconds.
        """
        futures = list(self)
        try:
            for future in as_completed(futures, timeout=timeout):
                if raise_on_failure and future.state_type != "COMPLETED":
                    future.result(raise_on_failure=True)
        except TimeoutError as exc:
            if all(future.state.is_final() for future in futures):
                raise
            raise TimeoutError(
                f"Timed out waiting for all futures to complete within {timeout} seconds"
            ) from exc
        return [future.result(raise_on_failure=raise_on_failure) for future in futures]

    def __next__(self) -> PrefectFuture[R]:
        if not self:
            raise StopIteration
        return self.pop(0)

    def __iter__(self) -> Iterator[PrefectFuture[R]]:  # noqa: PYI034 - a list first, an iterator for compatibility  # type: ignore[override]
        return list.__iter__(self)


if TYPE_CHECKING:

    class DoneAndNotDoneFutures(NamedTuple, Generic[R]):
        """What `wait` found: the futures that have ended, and those that have not."""

        done: set[PrefectFuture[R]]
        not_done: set[PrefectFuture[R]]

else:  # Python 3.10 has no generic named tuples

    class _DoneAndNotDone(NamedTuple):
        done: set[PrefectFuture]
        not_done: set[PrefectFuture]

    class DoneAndNotDoneFutures(_DoneAndNotDone, Generic[R]):
        """What `wait` found: the futures that have ended, and those that have not."""

        __slots__ = ()


def wait(futures: Iterable[PrefectFuture[R]], timeout: float | None = None) -> DoneAndNotDoneFutures[R]:
    """Wait until every future has ended, or for `timeout` seconds in all. Raises ValueError for a negative one."""
    _check_timeout(timeout)
    waiting = set(futures)
    deadline = None if timeout is None else time.monotonic() + timeout
    done: set[PrefectFuture[R]] = set()
    for future in list(waiting):
        future.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if (
            getattr(future, "_done", False) or future.state.is_final()
        ):  # making a state takes longer than a task
            done.add(future)
    return DoneAndNotDoneFutures(done, waiting - done)


def as_completed(
    futures: Iterable[PrefectFuture[R]], timeout: float | None = None
) -> Generator[PrefectFuture[R], None, None]:
    """The futures in the order in which they end.

    Raises:
        ValueError: `timeout` (seconds, for all together) is negative.
        TimeoutError: not all have ended in time; those that had were yielded.
    """
    _check_timeout(timeout)
    waiting = set(futures)
    total = len(waiting)
    arrived: queue.SimpleQueue[PrefectFuture[R]] = queue.SimpleQueue()
    for future in list(waiting):
        future.add_done_callback(arrived.put)
    deadline = None if timeout is None else time.monotonic() + timeout
    while waiting:
        try:
            future = _next_arrival(arrived, deadline)
        except queue.Empty:
            raise TimeoutError(f"{len(waiting)} (of {total}) futures unfinished") from None
        waiting.discard(future)
        yield future


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")


def _next_arrival(arrived: queue.SimpleQueue[F], deadline: float | None) -> F:
    if not arrived.empty():
        return arrived.get()
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    with slot.lend() if slot.lend is not None else nullcontext():
        return arrived.get(timeout=left)


def _replaced(expression: Any, change: Callable[[PrefectFuture[Any]], Any]) -> Any:
    if isinstance(expression, PrefectFuture):
        return change(expression)  # type: ignore[reportUnknownArgumentType]
    if isinstance(expression, (list, tuple, set)):
        return type(expression)(_replaced(item, change) for item in expression)  # type: ignore[reportUnknown]
    if isinstance(expression, dict):
        return {key: _replaced(item, change) for key, item in expression.items()}  # type: ignore[reportUnknown]
    return expression


def resolve_futures_to_states(expr: Any) -> Any:
    """The expression with the final state in the place of every future, waiting for them."""

    def state(future: PrefectFuture[Any]) -> Any:
        future.wait()
        return future.state

    return _replaced(expr, state)


def resolve_futures_to_results(expr: Any) -> Any:
    """The expression with the result in the place of every future, waiting for them.

    Raises:
        Exception: what a failed run raised.
    """
    return _replaced(expr, lambda future: future.result())

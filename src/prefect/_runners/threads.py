"""Tasks in threads."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from prefect._base.interrupting import raise_in_thread
from prefect._engine import run as engine
from prefect._engine.mapping import mapped_parameters
from prefect._engine.timeouts import ThreadInterrupted
from prefect._runners.base import TaskRunner
from prefect._runners.slots import SlotPool
from prefect.futures import PrefectFuture, PrefectFutureList, RunFuture
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefect._engine.task_call import TaskCall
    from prefect.client.schemas.objects import RunInput
    from prefect.tasks import Task


INTERRUPT_SECONDS = 1.5  # for interrupted threads to come back from what blocks them


class ThreadPoolTaskRunner(TaskRunner[RunFuture[Any]]):
    """Runs tasks in threads. No thread is taken before a task's inputs are ready.

    Args:
        max_workers: how many tasks run at a time; a task that waits for a future does not count. Unlimited unless
            given here or by PREFECT_TASKS_RUNNER_THREAD_POOL_MAX_WORKERS.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__()
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"expected max_workers of at least 1, got {max_workers}")
        self._max_workers = max_workers
        self._pool: SlotPool | None = None
        self._calls: dict[TaskCall, int] = {}  # what has not ended, and the thread that runs it (0: none yet)

    def duplicate(self) -> Self:
        """A runner with the same options, not started."""
        return type(self)(max_workers=self._max_workers)

    def submit(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> RunFuture[Any]:
        """Start a run of the task in a thread and return its future at once."""
        self._require_started()
        call = engine.new_call(task, parameters, wait_for=wait_for, dependencies=dependencies)
        return self._start(call, self._open_pool().submit)

    def map(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
    ) -> PrefectFutureList[Any]:
        """Start a run for each item; see `TaskRunner.map`."""
        self._require_started()
        jobs: list[Callable[[], None]] = []
        every = mapped_parameters(task, parameters)
        engine.expect(task, len(every))
        try:
            return PrefectFutureList(
                self._start(engine.new_call(task, one, wait_for=wait_for), jobs.append) for one in every
            )
        finally:
            self._open_pool().submit_all(jobs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._max_workers,)

    def cancel_all(self) -> None:
        """Do not start what has not been started; interrupt what can be."""
        if self._pool is not None:
            self._pool.drop_queued()
            for call, thread in list(self._calls.items()):
                if thread == 0:
                    call.abandon()
                else:
                    self._interrupt(call, thread)

    def _interrupt(self, call: TaskCall, thread: int) -> None:
        """Have the thread raise as soon as it is back from whatever blocks it."""
        _ = call
        raise_in_thread(thread, ThreadInterrupted)

    def _open_pool(self) -> SlotPool:
        if self._pool is None:
            limit = self._max_workers or get_current_settings().tasks.runner.thread_pool_max_workers
            self._pool = SlotPool(limit)
        return self._pool

    def _start(self, call: TaskCall, put: Callable[[Callable[[], None]], None]) -> RunFuture[Any]:
        """Hand the call's job over now, or when the last of what it waits for has ended."""
        future: RunFuture[Any] = RunFuture(call)
        call.future = future
        context = contextvars.copy_context()
        self._calls[call] = 0

        def job() -> None:
            self._calls[call] = threading.get_ident()
            try:
                context.run(self._execute, call)
            except BaseException as exc:
                call.break_off(exc)
            finally:
                self._calls.pop(call, None)
                future.set_done()

        pending = engine.pending_inputs(call)
        if not pending:
            put(job)
        else:
            pool = self._open_pool()
            pool.expect()
            _Countdown(len(pending), lambda: pool.submit_expected(job)).watch(pending)
        return future

    def _execute(self, call: TaskCall) -> None:
        """Run the call in this worker thread; what it raises is in its state."""
        engine.execute_in_worker(call)

    def __exit__(self, *exc_info: object) -> None:
        pool = self._pool
        if pool is not None:
            if exc_info[1] is not None and not isinstance(exc_info[1], Exception):
                self.cancel_all()
                if not pool.wait_until_done(timeout=INTERRUPT_SECONDS):
                    for call in list(self._calls):
                        call.give_up()
            else:
                pool.wait_until_done()
            pool.close()
            self._pool = None
        super().__exit__()


class _Countdown:
    """Calls `then` when as many futures have ended as there are."""

    def __init__(self, count: int, then: Callable[[], None]) -> None:
        self._left = count
        self._then = then
        self._lock = threading.Lock()

    def watch(self, futures: Iterable[PrefectFuture[Any]]) -> None:
        for future in futures:
            future.add_done_callback(self._one_less)

    def _one_less(self, _: PrefectFuture[Any]) -> None:
        with self._lock:
            self._left -= 1
            ready = self._left == 0
        if ready:
            self._then()

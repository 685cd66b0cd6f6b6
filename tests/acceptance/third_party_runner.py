"""A task runner as a third party writes one: only public names, a thread for each task run, futures of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Any
from uuid import UUID, uuid4

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Pending
from prefect.task_engine import run_task_async, run_task_sync
from prefect.task_runners import TaskRunner


class ThreadFuture(PrefectFuture[Any]):
    """The future of one task run; holds the run's final state once there is one."""

    def __init__(self, task_run_id: UUID) -> None:
        super().__init__(task_run_id)
        self.final: Future[State[Any]] = Future()

    @property
    def state(self) -> State[Any]:
        return self.final.result() if self.final.done() else Pending()

    def wait(self, timeout: float | None = None) -> None:
        try:
            self.final.result(timeout)
        except NotInTime:
            return

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        try:
            state = self.final.result(timeout)
        except NotInTime as error:
            raise TimeoutError(f"Not done within {timeout} seconds") from error
        with ThreadPoolExecutor(1) as reader:  # no event loop runs there, so that `State.result` acts at once
            return reader.submit(state.result, raise_on_failure=raise_on_failure).result()

    def add_done_callback(self, fn: Callable[[PrefectFuture[Any]], None]) -> None:
        self.final.add_done_callback(lambda _: fn(self))


class ThreadPerTaskRunner(TaskRunner[ThreadFuture]):
    """Every task run gets a thread; leaving the runner joins them all."""

    def __init__(self, greeting: str = "none") -> None:
        super().__init__()
        self.greeting = greeting
        self.threads: list[threading.Thread] = []

    def duplicate(self) -> ThreadPerTaskRunner:
        return type(self)(self.greeting)

    def submit(
        self,
        task: Any,
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[Any]] | None = None,
    ) -> ThreadFuture:
        future = ThreadFuture(uuid4())
        options = {
            "task": task,
            "task_run_id": future.task_run_id,
            "parameters": parameters,
            "wait_for": wait_for,
            "return_type": "state",
            "dependencies": dependencies,
        }
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(_run, future, options))
        self.threads.append(thread)
        thread.start()
        return future

    def __exit__(self, *exc: object) -> None:
        for thread in self.threads:
            thread.join()
        super().__exit__(*exc)


def _run(future: ThreadFuture, options: dict[str, Any]) -> None:
    if options["task"].isasync:
        future.final.set_result(asyncio.run(run_task_async(**options)))
    else:
        future.final.set_result(run_task_sync(**options))

"""Task workers: processes that execute background tasks (`task.delay`, `task.apply_async`)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from typing_extensions import Self

from prefect._backend.presence import ATTENDING
from prefect._backend.resolve import backend
from prefect._backend.task_feed import feed_of
from prefect._base.clock import now
from prefect._base.procinfo import host_name
from prefect._engine.deferred import execute
from prefect._loading import is_left_out
from prefect.logging.loggers import get_logger

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from prefect.client.schemas.objects import TaskRun
    from prefect.model.records import TaskRunRecord
    from prefect.results import ResultStore
    from prefect.tasks import Task

__all__ = [
    "StopTaskWorker",
    "TaskWorker",
    "aserve",
    "create_status_server",
    "read_parameters",
    "serve",
    "should_try_to_read_parameters",
    "store_parameters",
]

LOOK_SECONDS = 0.25
logger = get_logger("task_worker")


class StopTaskWorker(Exception):
    """For programs that catch it around `serve`, which returns when a task worker is stopped."""


class TaskWorker:
    """Executes the background runs of some tasks, in threads of this process.

    A run that this process had taken when it died is taken up by another worker. SIGTERM and Ctrl-C let the runs
    that are being executed end, and take no more.

    Args:
        tasks: whose runs.
        limit: how many at once; None for no limit.

    Raises:
        TypeError: something else than a task was given.
        ValueError: no task was given, or the limit is below 1.
    """

    def __init__(self, *tasks: Task[..., Any], limit: int | None = 10) -> None:
        from prefect.tasks import Task  # a cycle of types only: tasks know nothing of workers

        wrong = [one for one in tasks if not isinstance(one, Task)]
        if wrong:
            raise TypeError(f"Expected tasks to serve, got {wrong[0]!r}. Decorate it with @task.")
        if not tasks:
            raise ValueError("Expected at least one task to serve, got none.")
        if limit is not None and limit < 1:
            raise ValueError(f"Expected a limit of at least 1, got {limit}. Use None for no limit.")
        self.tasks = list(tasks)
        self.task_keys = {one.task_key for one in tasks}
        self._by_key = {one.task_key: one for one in tasks}
        self._limit = limit
        self._slots = threading.Semaphore(limit) if limit is not None else None
        self._running: dict[UUID, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._started_at: datetime | None = None

    @property
    def client_id(self) -> str:
        """What it calls itself: machine and process."""
        return f"{host_name()}-{os.getpid()}"

    @property
    def started_at(self) -> datetime | None:
        """When it began; None before."""
        return self._started_at

    @property
    def started(self) -> bool:
        """Whether it takes runs."""
        return self._started_at is not None and not self._stopping.is_set()

    @property
    def limit(self) -> int | None:
        """How many runs it executes at once."""
        return self._limit

    @property
    def current_tasks(self) -> int | None:
        """How many runs it executes now; None where there is no limit."""
        return None if self._limit is None else len(self._running)

    @property
    def available_tasks(self) -> int | None:
        """How many more it would take now; None where there is no limit."""
        return None if self._limit is None else self._limit - len(self._running)

    def handle_sigterm(self, signum: int, frame: FrameType | None) -> None:
        """Take no more runs; those that are being executed end."""
        _ = signum, frame
        self.stop()

    def start(self, timeout: float | None = None) -> None:
        """Execute runs until it is stopped, or for `timeout` seconds; then wait for those that are being executed."""
        with self._signals():
            self._work(timeout)

    async def astart(self, timeout: float | None = None) -> None:
        """The async form of `start`."""
        with self._signals():
            work = asyncio.ensure_future(asyncio.to_thread(self._work, timeout))
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                self.stop()
                await work
                raise

    def stop(self) -> None:
        """Take no more runs."""
        self._stopping.set()

    async def astop(self) -> None:
        """The async form of `stop`."""
        self.stop()

    async def execute_task_run(self, task_run: TaskRun) -> None:
        """Execute one background run here, unless another worker does."""

        def work() -> None:
            row = backend().take_task_run(task_run.id.bytes)
            if row is not None:
                execute(self._by_key[row.task_key], row)

        await asyncio.to_thread(work)

    async def __aenter__(self) -> Self:
        self._started_at = self._started_at or now()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        await asyncio.to_thread(self._drain)

    def _work(self, timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        self._stopping.clear()
        self._started_at = now()
        asked = backend()
        asked.attend()
        feed = feed_of(asked, sorted(self.task_keys), self.client_id)
        logger.info("Executing background runs of %s", ", ".join(one.name for one in self.tasks))
        try:
            while not self._stopping.is_set() and (deadline is None or time.monotonic() < deadline):
                self._take_one(feed)
        finally:
            feed.close()
            self._drain()
            asked.leave_flow_run(ATTENDING)

    def _take_one(self, feed: Any) -> None:
        if self._slots is not None and not self._slots.acquire(timeout=LOOK_SECONDS):
            return
        row = None
        try:
            more = self._limit is None or len(self._running) + 1 < self._limit
            row = feed.next(LOOK_SECONDS, more=more, wanted=lambda: not self._stopping.is_set())
        finally:
            if row is None and self._slots is not None:
                self._slots.release()
        if row is not None:
            self._begin(row)

    def _begin(self, row: TaskRunRecord) -> None:
        run_id = UUID(bytes=row.id)
        thread = threading.Thread(
            target=copy_context().run, args=(self._execute, run_id, row), name=f"prefect-{row.name}"
        )
        with self._lock:
            self._running[run_id] = thread
        thread.start()

    def _execute(self, run_id: UUID, row: TaskRunRecord) -> None:
        try:
            execute(self._by_key[row.task_key], row)
        except BaseException:
            logger.exception("The background run %s could not be executed", run_id)
        finally:
            with self._lock:
                del self._running[run_id]
            if self._slots is not None:
                self._slots.release()

    def _drain(self) -> None:
        with self._lock:
            threads = list(self._running.values())
        if threads:
            logger.info("Waiting for %d background runs to end", len(threads))
        for thread in threads:
            thread.join()

    @contextmanager
    def _signals(self) -> Generator[None, None, None]:
        """Inside of the block SIGTERM and SIGINT stop it; a second SIGINT interrupts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupted(signum: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.handle_sigterm(signum, frame)

        before = signal.signal(signal.SIGTERM, self.handle_sigterm), signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before[0])
            signal.signal(signal.SIGINT, before[1])


def serve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """Execute the background runs of some tasks until SIGTERM or Ctrl-C.

    Args:
        tasks: whose runs.
        limit: how many at once; None for no limit.
        status_server_port: answer `GET /status` on this port of this machine.
        timeout: stop after so many seconds.

    Raises:
        TypeError, ValueError: as of `TaskWorker`.
    """
    if is_left_out("task_worker.serve"):
        return
    worker = TaskWorker(*tasks, limit=limit)
    with _status_server(worker, status_server_port):
        worker.start(timeout)


async def aserve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """The async form of `serve`."""
    if is_left_out("task_worker.serve"):
        return
    worker = TaskWorker(*tasks, limit=limit)
    with _status_server(worker, status_server_port):
        await worker.astart(timeout)


def create_status_server(task_worker: TaskWorker) -> FastAPI:
    """An application that answers `GET /status` with what a worker is doing."""
    from fastapi import FastAPI  # 150 ms of import that few workers need

    def status() -> dict[str, Any]:
        started = task_worker.started_at
        return {
            "client_id": task_worker.client_id,
            "started_at": started.isoformat() if started else None,
            "current_tasks": task_worker.current_tasks,
            "available_tasks": task_worker.available_tasks,
            "limit": task_worker.limit,
        }

    application = FastAPI()
    application.add_api_route("/status", status)
    return application


@contextmanager
def _status_server(worker: TaskWorker, port: int | None) -> Generator[None, None, None]:
    if port is None:
        yield
        return
    import uvicorn  # few workers need it

    config = uvicorn.Config(create_status_server(worker), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="prefect-status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(5.0)


def should_try_to_read_parameters(task: Task[..., Any], task_run: TaskRun) -> bool:
    """Whether a run was left for a worker, so that its parameters are stored."""
    _ = task
    state = task_run.state
    return state is not None and state.state_details.task_parameters_id is not None


async def store_parameters(result_store: ResultStore, identifier: UUID, parameters: dict[str, Any]) -> None:
    """Store what a background run is to be called with."""
    await result_store.awrite(key=f"parameters/{identifier}", obj=parameters)


async def read_parameters(result_store: ResultStore, identifier: UUID) -> dict[str, Any]:
    """What `store_parameters` has stored."""
    record = await result_store.aread(key=f"parameters/{identifier}")
    return record.result

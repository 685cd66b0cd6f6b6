"""The runner: a process that executes the runs of its deployments."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from prefect._base.dual import dual, in_thread
from prefect._base.notset import NotSet
from prefect._loading import is_left_out
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.logging.configuration import setup_logging
from prefect.runner import _killed
from prefect.runner._code import Code
from prefect.runner._desk import Desk, Manner, Served
from prefect.runner._feed import feed_of
from prefect.runner._housekeeping import Housekeeping
from prefect.runner._taking import Taking
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from typing_extensions import Self, Unpack

    from prefect.deployments._options import DeploymentOptions
    from prefect.flows import Flow
    from prefect.model.records import FlowRunRecord
    from prefect.runner._in_hand import InHand

__all__ = ["Runner"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("prefect.runner")


class Runner:
    """Executes the runs of the deployments that are added to it, each in a process of its own.

    Args:
        name: for people.
        query_seconds: between looks for runs that nothing has asked for; PREFECT_RUNNER_POLL_FREQUENCY unless given.
        prefetch_seconds: how long before their time runs are known.
        heartbeat_seconds: not used: a run's process renews its lease itself.
        limit: how many runs at once; None for any number; PREFECT_RUNNER_PROCESS_LIMIT unless given.
        pause_on_shutdown: pause the deployments when the runner shuts down.
        webserver: answer /health, /run_count and /shutdown over HTTP.
    """

    def __init__(  # noqa: PLR0917 - the signature of the API
        self,
        name: str | None = None,
        query_seconds: float | None = None,
        prefetch_seconds: float = 10,
        heartbeat_seconds: float | None = None,
        limit: Any = NotSet,
        pause_on_shutdown: bool = True,
        webserver: bool = False,
    ) -> None:
        settings = get_current_settings().runner
        self.name = name or f"runner-{os.getpid()}"
        self.limit: int | None = settings.process_limit if limit is NotSet else limit
        self.query_seconds: float = settings.poll_frequency if query_seconds is None else query_seconds
        self.prefetch_seconds = prefetch_seconds
        self.heartbeat_seconds = heartbeat_seconds
        self.pause_on_shutdown = pause_on_shutdown
        self.webserver = webserver
        self.started = False
        self._client = get_client(sync_client=True)
        self._taking = Taking(self._client)
        manner = Manner(
            self.limit,
            self.query_seconds,
            prefetch_seconds,
            settings.cancel_grace_seconds,
            settings.drain_seconds,
        )
        self._desk = Desk(self._taking, feed_of(get_current_settings(), self._news_of), manner, self._killed)
        self._code = Code()
        self._pool: ThreadPoolExecutor | None = None
        self._hooks: list[threading.Thread] = []

    # --- what it executes -----------------------------------------------------------------------------

    @dual
    def add_deployment(self, deployment: RunnerDeployment) -> UUID:
        """Register a deployment, and execute its runs; its id.

        Raises:
            DeploymentApplyError: it was refused.
        """
        deployment_id = deployment.apply()
        source, refresh = self._code.of(deployment)
        name = deployment.flow_name or deployment.name
        self._desk.serve(Served(deployment_id, name, source, deployment.job_variables, refresh))
        return deployment_id

    async def aadd_deployment(self, deployment: RunnerDeployment) -> UUID:
        """The asynchronous form of `add_deployment`."""
        return await in_thread(self.add_deployment, deployment)

    @dual
    def add_flow(
        self, flow: Flow[..., Any], name: str | None = None, **options: Unpack[DeploymentOptions]
    ) -> UUID:
        """Register a deployment of a flow, and execute its runs; its id. See `Flow.to_deployment`."""
        return self.add_deployment(RunnerDeployment.from_flow(flow, name or self.name, **options))

    async def aadd_flow(
        self, flow: Flow[..., Any], name: str | None = None, **options: Unpack[DeploymentOptions]
    ) -> UUID:
        """The asynchronous form of `add_flow`."""
        return await self.aadd_deployment(RunnerDeployment.from_flow(flow, name or self.name, **options))

    # --- how it goes ----------------------------------------------------------------------------------

    @property
    def last_polled(self) -> datetime:
        """When it last asked for runs."""
        return self._desk.last_polled

    @property
    def run_count(self) -> int:
        """How many runs it executes just now."""
        return len(self._desk.in_hand)

    def has_slots_available(self) -> bool:
        """Whether it could execute another run just now."""
        return self._desk.has_slots()

    async def start(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """Execute runs until it is stopped; in the main thread, SIGTERM and SIGINT do that.

        Args:
            run_once: execute what is due now, and return.
            webserver: instead of the runner's own option.
        """
        if is_left_out("Runner.start"):
            return
        with _Signals(self.handle_sigterm):
            context = contextvars.copy_context()
            worker = threading.Thread(
                target=context.run, args=(self._execute, run_once, webserver), name="prefect-runner"
            )
            done = asyncio.get_running_loop().create_future()
            waiting = _told_when_ended(worker, asyncio.get_running_loop(), done)
            try:
                await done
            except asyncio.CancelledError:
                self._desk.drain()
                raise
            finally:
                waiting.join()

    def run(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """`start`, for code without an event loop."""
        if is_left_out("Runner.run"):
            return
        with _Signals(self.handle_sigterm):
            context = contextvars.copy_context()
            worker = threading.Thread(
                target=context.run, args=(self._execute, run_once, webserver), name="prefect-runner"
            )
            worker.start()
            worker.join()  # a signal is handled meanwhile

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        """Take no further runs and let those that run finish, up to a deadline; at the second call, interrupt them."""
        _ = args, kwargs
        second = self._desk.is_draining
        self._desk.drain(0 if second else None)

    @dual
    def stop(self) -> None:
        """Take no further runs; `start` returns when those that run have ended."""
        self._desk.drain()

    async def astop(self) -> None:
        """The asynchronous form of `stop`."""
        self._desk.drain()

    async def cancel_all(self) -> None:
        """Cancel every run that it executes."""
        for run_id in list(self._desk.in_hand):
            await in_thread(self._taking.cancel, run_id)

    def execute_in_background(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in another thread; what it comes to."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(thread_name_prefix="prefect-runner-background")
        return self._pool.submit(contextvars.copy_context().run, func, *args, **kwargs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._desk.drain()
        await in_thread(self._close)

    # --- the thread -----------------------------------------------------------------------------------

    def _execute(self, run_once: bool, webserver: bool | None) -> None:
        self.started = True
        setup_logging()
        wants_web = self.webserver if webserver is None else webserver
        try:
            with Housekeeping(self if wants_web else None, services=not run_once):
                self._desk.work(run_once=run_once)
                if self.pause_on_shutdown and not run_once:
                    self._pause()
        finally:
            self.started = False
            for hooks in self._hooks:
                hooks.join()
            self._close()

    def _pause(self) -> None:
        try:
            self._taking.pause(self._desk.served)
        except Exception as exc:  # the server may have gone before
            _log.warning("The deployments could not be paused: %s", exc)
        else:
            _log.info("Paused all deployments of %s", self.name)

    def _killed(self, taken: InHand, record: FlowRunRecord) -> None:
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        self._hooks.append(_killed.call_hooks(taken.served.source, record, {**os.environ, **settings}))
        self._hooks = [thread for thread in self._hooks if thread.is_alive()]

    def _news_of(self) -> list[UUID]:
        return list(self._desk.served)

    def _close(self) -> None:
        self._desk.close()
        self._client.__exit__(None, None, None)
        self._code.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False)


class _Signals:
    """Inside of the block, in the main thread, SIGTERM and SIGINT call a function."""

    def __init__(self, call: Callable[..., None]) -> None:
        self._call = call
        self._before: dict[Any, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._call) for number in _SIGNALS}

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _told_when_ended(
    worker: threading.Thread, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]
) -> threading.Thread:
    """Start the worker; the future is done when it has ended."""

    def tell() -> None:
        if not done.done():
            done.set_result(None)

    def wait() -> None:
        worker.start()
        worker.join()
        loop.call_soon_threadsafe(tell)

    waiting = threading.Thread(target=wait, name="prefect-runner-end")
    waiting.start()
    return waiting

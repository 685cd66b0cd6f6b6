"""The base of workers: polls the queues of a work pool, and starts infrastructure for each run that is due."""

from __future__ import annotations

import abc
import logging
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID, uuid4

import anyio
import anyio.abc
from pydantic import BaseModel

from prefect._base.clock import now
from prefect._base.dual import in_thread
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.logging.loggers import PrefectLogAdapter, flow_run_logger, get_logger
from prefect.model.requests.work_pool_actions import WorkPoolCreate, WorkPoolUpdate
from prefect.runner._feed import Feed, feed_of
from prefect.settings import get_current_settings
from prefect.workers._job import BaseJobConfiguration, BaseVariables, default_template
from prefect.workers._kinds import kinds, register
from prefect.workers._submission import Submissions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from typing_extensions import Self

    from prefect.client.orchestration import PrefectClient
    from prefect.flows import Flow
    from prefect.futures import PrefectFlowRunFuture
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import WorkPool
    from prefect.workers._submission import Hand

__all__ = ["BaseJobConfiguration", "BaseVariables", "BaseWorker", "BaseWorkerResult"]

C = TypeVar("C", bound=BaseJobConfiguration)
V = TypeVar("V", bound=BaseVariables)
R = TypeVar("R", bound="BaseWorkerResult")

_UNSET_UP: Final = "Expected a worker that is set up, got one that is not. Use it in an `async with` block."
_RETRY_SECONDS: Final = 1.0  # after the server did not answer; doubled up to the time between two polls
_MISSED_POLLS: Final = 30  # so many without an answer, and the worker counts as unwell


class BaseWorkerResult(BaseModel, abc.ABC):
    """How the infrastructure of a run ended; true if well.

    Attributes:
        identifier: of the infrastructure.
        status_code: 0 if it ended well.
    """

    identifier: str
    status_code: int

    def __bool__(self) -> bool:
        return self.status_code == 0


class BaseWorker(abc.ABC, Generic[C, V, R]):
    """Executes the runs of a work pool on infrastructure of its kind.

    A class of workers sets `type`, `job_configuration` and `job_configuration_variables`, and defines `run`; it may
    define `kill_infrastructure`. Packages announce theirs by an entry point in the group `prefect.collections`.

    Args:
        work_pool_name: the pool.
        work_queues: only these queues of it.
        name: of the worker; its type and an id unless given.
        prefetch_seconds: how long before its time a run is taken; PREFECT_WORKER_PREFETCH_SECONDS unless given.
        create_pool_if_not_found: make the pool where there is none.
        limit: how many runs at once; None for any number.
        heartbeat_interval_seconds: between signs of life; PREFECT_WORKER_HEARTBEAT_SECONDS unless given.
        base_job_template: of the pool, should it be made.

    Raises:
        ValueError: the name contains / or %.
    """

    type: str
    job_configuration: type[C] = BaseJobConfiguration  # type: ignore[assignment] # of workers that have no own
    job_configuration_variables: type[V] | None = None
    _documentation_url: ClassVar[str] = ""
    _logo_url: ClassVar[str] = ""
    _description: ClassVar[str] = ""
    _always_cancels: ClassVar[bool] = False  # also where PREFECT_WORKER_ENABLE_CANCELLATION is off
    _starts_early: ClassVar[bool] = True  # its infrastructure takes a while to be there

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(getattr(cls, "type", None), str):
            register(cls)

    def __init__(  # noqa: PLR0917 - the signature of the API
        self,
        work_pool_name: str,
        work_queues: list[str] | None = None,
        name: str | None = None,
        prefetch_seconds: float | None = None,
        create_pool_if_not_found: bool = True,
        limit: int | None = None,
        heartbeat_interval_seconds: int | None = None,
        *,
        base_job_template: dict[str, Any] | None = None,
    ) -> None:
        if name and ("/" in name or "%" in name):
            raise ValueError(f"Worker name cannot contain '/' or '%', got {name!r}.")
        settings = get_current_settings().worker
        self.name: str = name or f"{type(self).__name__} {uuid4()}"
        self.backend_id: UUID | None = None
        self.is_setup = False
        self.heartbeat_interval_seconds: float = heartbeat_interval_seconds or settings.heartbeat_seconds
        self._prefetch_seconds: float = (
            settings.prefetch_seconds if prefetch_seconds is None else prefetch_seconds
        )
        self._create_pool_if_not_found = create_pool_if_not_found
        self._base_job_template = base_job_template
        self._work_pool_name = work_pool_name
        self._work_queues = set(work_queues or ())
        self._limit = limit
        self._logger: logging.Logger | PrefectLogAdapter = get_logger(
            f"workers.{self.type}.{self.get_name_slug()}"
        )
        self._client: PrefectClient | None = None
        self._work_pool: WorkPool | None = None
        self._queue_ids: list[UUID] = []
        self._limiter: anyio.CapacityLimiter | None = None
        self._runs_task_group: anyio.abc.TaskGroup | None = None
        self._exit_stack = AsyncExitStack()
        self._submissions = Submissions(self)
        self._feed: Feed | None = None
        self._last_polled_time: datetime = now()
        self._next_due: datetime | None = None
        self._draining = False
        self._interrupted = False

    # --- what it is -----------------------------------------------------------------------------------

    @classmethod
    def get_documentation_url(cls) -> str:
        """Where its documentation is."""
        return cls._documentation_url

    @classmethod
    def get_logo_url(cls) -> str:
        """Where its logo is."""
        return cls._logo_url

    @classmethod
    def get_description(cls) -> str:
        """What it does, in a sentence."""
        return cls._description

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """What the template of a pool of its type is unless somebody says otherwise."""
        return default_template(cls.job_configuration, cls.job_configuration_variables)

    @staticmethod
    def get_worker_class_from_type(type: str) -> type[BaseWorker[Any, Any, Any]] | None:
        """The class of workers for pools of a type; None where no installed package has one."""
        return kinds().get(type)

    @staticmethod
    def get_all_available_worker_types() -> list[str]:
        """The types of pools for which a class of workers is installed."""
        return sorted(kinds())

    def get_name_slug(self) -> str:
        """Its name in lower case, with dashes between words."""
        return "-".join("".join(one if one.isalnum() else " " for one in self.name.lower()).split())

    def get_flow_run_logger(self, flow_run: FlowRun) -> PrefectLogAdapter:
        """Logs of a run, from its worker."""
        said = flow_run_logger(flow_run, worker_name=self.name, work_pool_name=self._work_pool_name)
        return said.getChild("worker")

    def get_status(self) -> dict[str, Any]:
        """What it is and does, as JSON."""
        return {
            "name": self.name,
            "work_pool": self._work_pool.model_dump(mode="json") if self._work_pool is not None else None,
            "settings": {"prefetch_seconds": self._prefetch_seconds},
        }

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """Whether it has asked for runs lately: within thirty polls."""
        return now() - self._last_polled_time <= timedelta(seconds=query_interval_seconds * _MISSED_POLLS)

    @property
    def cleanup_handler_registry(self) -> dict[str, Any]:
        """What this worker cleans up that other workers have left: nothing."""
        return {}

    @property
    def handled_cleanup_kinds(self) -> tuple[str, ...]:
        """The kinds of it."""
        return tuple(self.cleanup_handler_registry)

    @property
    def max_cleanup_concurrency(self) -> int:
        """How much of it at once."""
        return len(self.cleanup_handler_registry)

    # --- what it has while it works -------------------------------------------------------------------

    @property
    def client(self) -> PrefectClient:
        """Asks the API. Raises RuntimeError outside of `async with`."""
        return _there(self._client)

    @property
    def work_pool(self) -> WorkPool:
        """Its pool, as of the last heartbeat. Raises RuntimeError outside of `async with`."""
        return _there(self._work_pool)

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """Its places for runs. Raises RuntimeError outside of `async with`."""
        return _there(self._limiter)

    async def setup(self) -> None:
        """Open what it needs: a client, its pool, a place for runs."""
        self._limiter = anyio.CapacityLimiter(self._limit or float("inf"))
        self._client = await self._exit_stack.enter_async_context(get_client())
        self._runs_task_group = await self._exit_stack.enter_async_context(anyio.create_task_group())
        await self.sync_with_backend()
        self._feed = feed_of(get_current_settings(), lambda: self._queue_ids, "work_queues")
        self.is_setup = True

    async def teardown(self, *exc_info: Any) -> None:
        """Close it. Runs that it has in hand are waited for, unless an exception has ended the block."""
        self.is_setup = False
        await self._exit_stack.__aexit__(*(exc_info or (None, None, None)))
        if self._feed is not None:
            self._feed.close()
        self._feed = self._client = self._runs_task_group = None

    async def __aenter__(self) -> Self:
        await self._exit_stack.__aenter__()
        try:
            await self.setup()
        except BaseException as exc:
            await self.teardown(type(exc), exc, exc.__traceback__)
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.teardown(*exc_info)

    # --- how it goes ----------------------------------------------------------------------------------

    async def start(
        self,
        run_once: bool = False,
        with_healthcheck: bool = False,
        printer: Callable[..., None] = print,
    ) -> None:
        """Execute runs until `stop` is called.

        Args:
            run_once: execute the runs that are due now, and return.
            with_healthcheck: answer GET /health over HTTP meanwhile.
            printer: tells people that it has started and stopped.

        Raises:
            ObjectNotFound: there is no such pool, and it is not to be made.
        """
        async with AsyncExitStack() as closing:
            if with_healthcheck:
                from prefect.workers.server import answering  # 300 ms of import that few ask for

                closing.enter_context(answering(self, get_current_settings().worker.query_seconds))
            await closing.enter_async_context(self)
            printer(
                f"Worker {self.name!r} started! Looking for work from work pool {self._work_pool_name!r}..."
            )
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._keep_in_touch)
                await self._poll(run_once)
                await self._drain(None if run_once else get_current_settings().runner.drain_seconds)
                beside.cancel_scope.cancel()
        printer(f"Worker {self.name!r} stopped!")

    def stop(self) -> None:
        """Take no further runs, and let those that run finish, up to a deadline; at the second call, interrupt them."""
        self._interrupted = self._draining
        self._draining = True
        if self._feed is not None:
            self._feed.wake()

    async def sync_with_backend(self) -> None:
        """Tell that it is alive, and learn how its pool stands. Raises ObjectNotFound."""
        pool = await self._read_pool()
        if pool.type != self.type and self._work_pool is None:
            self._logger.warning(
                "The work pool %r is of the type %r, and this worker of the type %r: its runs may not fit.",
                pool.name,
                pool.type,
                self.type,
            )
        queues = await self.client.read_work_queues(work_pool_name=pool.name)
        self._queue_ids = [one.id for one in queues if not self._work_queues or one.name in self._work_queues]
        self._work_pool = pool
        seen = await self.client.send_worker_heartbeat(
            pool.name, self.name, self.heartbeat_interval_seconds, get_worker_id=self.backend_id is None
        )
        self.backend_id = self.backend_id or seen

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take the runs that are due and for which there is a place; they are executed in the background.

        Raises:
            ObjectNotFound: the pool or one of the queues is gone.
        """
        moment = now()
        found = await self.client.get_scheduled_flow_runs_for_work_pool(
            self._work_pool_name,
            work_queue_names=sorted(self._work_queues) or None,
            scheduled_before=moment + timedelta(seconds=self._prefetch_seconds),
        )
        self._last_polled_time = now()
        taken: list[FlowRun] = []
        later: list[datetime] = []
        for run in (one.flow_run for one in found):
            due = run.next_scheduled_start_time or moment
            if due > moment and not self._starts_early:
                later.append(due)
            elif self._submissions.begin(run):
                taken.append(run)
        self._next_due = min(later, default=None)
        return taken

    @abc.abstractmethod
    async def run(
        self, flow_run: FlowRun, configuration: C, task_status: anyio.abc.TaskStatus[Any] | None = None
    ) -> R:
        """Start the infrastructure of a run, and wait for its end.

        Args:
            flow_run: the run.
            configuration: prepared for it.
            task_status: its `started` is to be called with what identifies the infrastructure.
        """

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: C, grace_seconds: int = 30
    ) -> None:
        """End the infrastructure of a run.

        Raises:
            NotImplementedError: this kind of workers cannot.
        """
        _ = infrastructure_pid, configuration, grace_seconds
        raise NotImplementedError(f"Worker type {self.type!r} does not support killing infrastructure")

    async def submit(
        self,
        flow: Flow[..., Any],
        parameters: dict[str, Any] | None = None,
        job_variables: dict[str, Any] | None = None,
        flow_run: FlowRun | None = None,
    ) -> PrefectFlowRunFuture[Any]:
        """Execute a flow that is not deployed, on the infrastructure of this worker; process workers can.

        Args:
            flow: the flow.
            parameters: of the run.
            job_variables: of its infrastructure.
            flow_run: a run that exists; a new one unless given.

        Raises:
            NotImplementedError: this kind of workers cannot; the message says what to do.
            ValueError: the flow cannot be found by another process.
        """
        _ = parameters, job_variables, flow_run
        raise NotImplementedError(
            f"Worker type {self.type!r} cannot execute a flow that is not deployed, for its code is not there. "
            f"Deploy {flow.name!r} to a work pool with flow.deploy(), and use run_deployment()."
        )

    async def _report(self, hand: Hand, result: R) -> None:
        """The infrastructure of a run has ended."""
        cause = None
        if hand.cancelling or not result:  # what is ended may end well
            cause = f"The infrastructure of the run ended with status code {result.status_code}."
        await self._submissions.report(hand, None, cause)

    async def _interrupt(self, hand: Hand) -> None:
        """The worker goes, and infrastructure of most kinds goes on without it."""

    # --- the loops ------------------------------------------------------------------------------------

    async def _poll(self, run_once: bool) -> None:
        query_seconds: float = get_current_settings().worker.query_seconds
        pause = _RETRY_SECONDS
        while not self._draining:
            try:
                await self.get_and_submit_flow_runs()
                await self._submissions.see_to_cancellations()
            except Exception as exc:
                self._logger.warning(
                    "The worker could not ask for runs (%s: %s); it tries again in %.0f s.",
                    type(exc).__name__,
                    exc,
                    pause,
                )
                await self._wait(pause)
                pause = min(2 * pause, query_seconds)
                continue
            pause = _RETRY_SECONDS
            if run_once:
                return
            await self._wait(self._seconds_to_next(query_seconds))

    def _seconds_to_next(self, query_seconds: float) -> float:
        if self._next_due is None:
            return query_seconds
        return min(query_seconds, max(0.0, (self._next_due - now()).total_seconds()))

    async def _wait(self, seconds: float) -> None:
        if not self._draining or self._submissions.in_hand:
            await in_thread(_there(self._feed).wait, seconds)

    async def _drain(self, seconds: float | None) -> None:
        """Wait for the runs in hand; after so long, or when told twice, they are interrupted."""
        until = anyio.current_time() + (float("inf") if seconds is None else seconds)
        while self._submissions.in_hand:
            left = until - anyio.current_time()
            if left <= 0 or self._interrupted:
                await self._submissions.interrupt()
                return
            try:
                await self._submissions.see_to_cancellations()
            except Exception as exc:
                self._logger.warning("The worker could not look for cancelled runs: %s", exc)
            await self._wait(min(left, get_current_settings().worker.query_seconds))

    async def _keep_in_touch(self) -> None:
        while True:
            await anyio.sleep(self.heartbeat_interval_seconds)
            try:
                await self.sync_with_backend()
            except Exception as exc:
                self._logger.warning("The heartbeat of the worker failed (%s: %s).", type(exc).__name__, exc)

    async def _read_pool(self) -> WorkPool:
        try:
            pool = await self.client.read_work_pool(self._work_pool_name)
        except ObjectNotFound:
            if not self._create_pool_if_not_found or self._work_pool is not None:
                raise
            return await self._create_pool()
        if not pool.base_job_template:
            template = self.get_default_base_job_template()
            await self.client.update_work_pool(pool.name, WorkPoolUpdate(base_job_template=template))
            pool.base_job_template = template
        return pool

    async def _create_pool(self) -> WorkPool:
        template = self._base_job_template or self.get_default_base_job_template()
        wanted = WorkPoolCreate(name=self._work_pool_name, type=self.type, base_job_template=template)
        try:
            made = await self.client.create_work_pool(wanted)
        except ObjectAlreadyExists:  # another worker was faster
            return await self.client.read_work_pool(self._work_pool_name)
        self._logger.info("Work pool %r created.", self._work_pool_name)
        return made


T = TypeVar("T")


def _there(part: T | None) -> T:
    if part is None:
        raise RuntimeError(_UNSET_UP)
    return part

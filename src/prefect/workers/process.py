"""The process worker: each run in a process of its own, on the machine of the worker."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import anyio.abc
from pydantic import Field, PrivateAttr, field_validator

from prefect._base import procinfo
from prefect._base.dual import in_thread
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.futures import PrefectFlowRunFuture
from prefect.model.state_makers import Scheduled
from prefect.runner import _killed
from prefect.runner._children import Children, Source
from prefect.runner._in_hand import Stoppable
from prefect.runner._taking import record_line
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.flows import Flow as FlowOfCode
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.objects import Flow
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import WorkPool
    from prefect.runner._children import Child, Ending
    from prefect.workers._submission import Hand

__all__ = ["ProcessJobConfiguration", "ProcessVariables", "ProcessWorker", "ProcessWorkerResult"]

_PLACE_SECONDS = 1.0  # between two looks for a place, if nothing says that there is one
_KILLED_SECONDS = 5.0  # after SIGKILL to the group


class ProcessJobConfiguration(BaseJobConfiguration):
    """How the process of a run is started.

    Attributes:
        stream_output: hand what it prints on to the worker's output and the run's logs.
        working_dir: where it begins; the deployment's folder or else a temporary one unless given.
    """

    stream_output: bool = Field(
        default=True, description="Whether the worker prints what the process prints."
    )
    working_dir: Path | None = Field(
        default=None,
        title="Working Directory",
        description="The folder that the process starts in; a temporary one where none is named.",
    )

    _source: Source | None = PrivateAttr(default=None)

    @field_validator("working_dir")
    @classmethod
    def validate_working_dir(cls, v: Path | str | None) -> Path | None:
        """A path, from text too."""
        return Path(v) if isinstance(v, str) else v

    def prepare_for_flow_run(  # noqa: PLR0917 - the signature of the API
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        flow: Flow | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        worker_id: UUID | None = None,
    ) -> None:
        """See `BaseJobConfiguration`; the command uses this Python."""
        usual = self.command is None
        super().prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)
        if usual:
            self.command = shlex.join([sys.executable, "-m", "prefect", "flow-run", "execute"])
            self._source = self._source_of(deployment)

    def _source_of(self, deployment: DeploymentResponse | None) -> Source | None:
        """Where the flow is, if it is there without anything being fetched: it is started warm."""
        if deployment is None or not deployment.entrypoint or deployment.pull_steps:
            return None
        folder = deployment.path or self.working_dir
        return None if folder is None else Source(deployment.entrypoint, Path(folder).absolute())


class ProcessVariables(BaseVariables):
    """What a run may say of its process."""

    stream_output: bool = Field(
        default=True, description="Whether the worker prints what the process prints."
    )
    working_dir: Path | None = Field(
        default=None,
        title="Working Directory",
        description="The folder that the process starts in; a temporary one where none is named.",
    )


class ProcessWorkerResult(BaseWorkerResult):
    """How a process ended; `status_code` is its exit code, or less than 0 by a signal."""

    _ending: Ending | None = PrivateAttr(default=None)
    _pid: int = PrivateAttr(default=0)
    _last_words: str = PrivateAttr(default="")


class _Process(Stoppable):
    """A run in a process."""

    def __init__(self, run: FlowRun, configuration: ProcessJobConfiguration) -> None:
        super().__init__(run)
        self.configuration = configuration
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.loop = asyncio.get_running_loop()
        self.last_words = ""


class ProcessWorker(BaseWorker[ProcessJobConfiguration, ProcessVariables, ProcessWorkerResult]):
    """Executes each run in a process group of its own, on this machine."""

    type = "process"
    job_configuration = ProcessJobConfiguration
    job_configuration_variables = ProcessVariables
    _description = "Executes each flow run in a process of its own, on the machine of the worker."
    _always_cancels: ClassVar[bool] = True
    _starts_early: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._children: Children | None = None
        self._processes: dict[UUID, _Process] = {}
        self._sources: dict[UUID, Source] = {}  # of submitted runs

    async def setup(self) -> None:
        """See `BaseWorker`."""
        await super().setup()
        self._children = Children(self._on_line, self._on_end)

    async def teardown(self, *exc_info: Any) -> None:
        """See `BaseWorker`."""
        try:
            await super().teardown(*exc_info)
        finally:
            if self._children is not None:
                await in_thread(self._children.close)
                self._children = None

    async def submit(
        self,
        flow: FlowOfCode[..., Any],
        parameters: dict[str, Any] | None = None,
        job_variables: dict[str, Any] | None = None,
        flow_run: FlowRun | None = None,
    ) -> PrefectFlowRunFuture[Any]:
        """See `BaseWorker`. The process finds the flow where it is here; it is waited for until there is a place.

        Raises:
            ValueError: the flow is not at the top level of a file.
        """
        found = flow.entrypoint
        if found is None or "<locals>" in found:
            raise ValueError(f"Expected {flow.name!r} at the top level of a file, got {found or 'none'}.")
        given = parameters or {}
        run = flow_run or await self.client.create_flow_run(
            flow,
            parameters=flow.binder.bind((), given),
            job_variables=job_variables,
            state=Scheduled(),
        )
        self._sources[run.id] = Source(found, Path.cwd())
        while not self._submissions.begin(run):
            await self._wait(_PLACE_SECONDS)
        return PrefectFlowRunFuture(run.id)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[Any] | None = None,
    ) -> ProcessWorkerResult:
        """Start a process for a run, and wait for its end.

        Raises:
            InfrastructureNotAvailable: it cannot be started; the message says why.
        """
        configuration._source = self._sources.pop(flow_run.id, configuration._source)
        process = self._processes[flow_run.id] = _Process(flow_run, configuration)
        try:
            with tempfile.TemporaryDirectory(prefix="prefect-", ignore_cleanup_errors=True) as scratch:
                child: Child = await in_thread(self._start, process, Path(scratch))
                process.child = child
                identifier = f"{procinfo.host_name()}:{child.pid}"
                if task_status is not None:
                    task_status.started(identifier)
                ending = await process.ended
        finally:
            del self._processes[flow_run.id]
        code = ending.exit_code if ending.exit_code is not None else -(ending.signal or 1)
        result = ProcessWorkerResult(identifier=identifier, status_code=code)
        result._ending, result._pid, result._last_words = ending, child.pid, process.last_words
        return result

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: ProcessJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """End a process: it was asked, is told by SIGTERM, and after the grace time its group is killed.

        Raises:
            InfrastructureNotFound: there is no such process here.
            InfrastructureNotAvailable: it is on another machine.
        """
        _ = configuration
        host, _, pid = infrastructure_pid.rpartition(":")
        if host != procinfo.host_name():
            raise InfrastructureNotAvailable(
                f"The process {infrastructure_pid} is on {host}, and this worker on {procinfo.host_name()}."
            )
        mine = next(
            (one for one in self._processes.values() if one.child and str(one.child.pid) == pid), None
        )
        if mine is None:
            _kill_group(int(pid))
            return
        mine.cancel(grace_seconds)
        await self._see_to_end(mine)

    # --- how it ended ---------------------------------------------------------------------------------

    async def _interrupt(self, hand: Hand) -> None:
        process = self._processes.get(hand.run.id)
        if process is not None and self._runs_task_group is not None:
            hand.handed_over = True
            process.hand_over()
            self._runs_task_group.start_soon(self._see_to_end, process)

    async def _see_to_end(self, process: _Process) -> None:
        """Do what is due until it has ended."""
        while not process.ended.done():
            process.step()
            left = process.next_step - asyncio.get_running_loop().time()  # the same clock as its own
            await asyncio.wait([process.ended], timeout=max(0.0, min(left, _KILLED_SECONDS)))

    async def _report(self, hand: Hand, result: ProcessWorkerResult) -> None:
        assert result._ending is not None
        cause = result._ending.cause
        source = hand.configuration._source
        words = result._last_words
        if cause and source is None and result._ending.exit_code and words and words not in cause:
            cause = f"{cause} Its last words: {words}"
        record = await self._submissions.report(hand, result._pid, cause)
        killed = cause is not None and record.state.message == cause
        if killed and source is not None and record.state.type in {"CRASHED", "CANCELLED"}:
            environment = {name: one for name, one in hand.configuration.env.items() if one is not None}
            await in_thread(_killed.call_hooks(source, record, {**os.environ, **environment}).join)

    # --- the process ----------------------------------------------------------------------------------

    def _start(self, process: _Process, scratch: Path) -> Child:
        """In a thread: a source that is being imported is waited for."""
        configuration = process.configuration
        source = configuration._source
        assert self._children is not None
        try:
            return self._children.start(
                process.run.id,
                source or Source("", configuration.working_dir or scratch),
                env=configuration.env,
                command=None if source is not None else configuration.command,
                working_dir=configuration.working_dir or (source.folder if source is not None else scratch),
            )
        except (OSError, RuntimeError) as exc:
            raise InfrastructureNotAvailable(f"No process could be started: {exc}") from exc

    def _on_line(self, child: Child, line: str) -> None:
        """In the thread of the children."""
        process = self._processes.get(child.run_id)
        if process is None:
            return
        process.last_words = line.strip() or process.last_words
        if not process.configuration.stream_output:
            return
        if process.configuration._source is not None:
            record_line(process.run, process.configuration.env.get("PREFECT__FLOW_NAME") or "", line)
        else:  # it records its logs itself, and prints them
            print(line, flush=True)  # noqa: T201 - asked for by `stream_output`

    def _on_end(self, child: Child, ending: Ending) -> None:
        """In the thread of the children."""
        process = self._processes.get(child.run_id)
        if process is not None:
            process.loop.call_soon_threadsafe(process.ended.set_result, ending)


def _kill_group(pid: int) -> None:
    """Of a worker that was here before."""
    try:
        os.killpg(pid, signal.SIGTERM)
    except ProcessLookupError as exc:
        raise InfrastructureNotFound(f"There is no process {pid} on {procinfo.host_name()}.") from exc

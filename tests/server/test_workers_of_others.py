"""Workers that somebody else has written: a class of theirs, real processes, what it is asked and when."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import pytest

from prefect.client.orchestration import get_client
from prefect.exceptions import InfrastructureNotFound
from prefect.settings import (
    PREFECT_RUNNER_CANCEL_GRACE_SECONDS,
    PREFECT_WORKER_ENABLE_CANCELLATION,
    PREFECT_WORKER_QUERY_SECONDS,
    temporary_settings,
)
from prefect.states import Cancelling
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from .working import SOURCE, asked, run_of


class JobConfiguration(BaseJobConfiguration):
    program: str = "flow"


class JobVariables(BaseVariables):
    program: str = "flow"


class JobResult(BaseWorkerResult):
    pass


class JobWorker(BaseWorker[JobConfiguration, JobVariables, JobResult]):
    """Each run is a process that this class starts by itself; its programs are not all as cooperative as a flow."""

    type = "job"
    job_configuration = JobConfiguration
    job_configuration_variables = JobVariables

    programs = {
        "flow": ["-m", "prefect", "flow-run", "execute"],
        "fails": ["-c", "raise SystemExit(7)"],
        "stays": ["-c", "import signal; signal.sigwait([signal.SIGTERM])"],  # and ends with code 0
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.called: list[str] = []
        self.started: list[UUID] = []
        self.killed: list[tuple[str, str, int]] = []
        self.gone = False

    async def setup(self):
        self.called.append("setup")
        await super().setup()

    async def sync_with_backend(self):
        self.called.append("sync")
        await super().sync_with_backend()

    async def teardown(self, *exc_info):
        self.called.append("teardown")
        await super().teardown(*exc_info)

    async def run(self, flow_run, configuration, task_status=None):
        self.started.append(flow_run.id)
        given = {name: value for name, value in configuration.env.items() if value is not None}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.programs[configuration.program],
            env={**os.environ, **given, "PYTHONPATH": str(SOURCE)},
            start_new_session=True,
        )
        if task_status is not None:
            task_status.started(process.pid)
        code = await process.wait()
        return JobResult(identifier=str(process.pid), status_code=code)

    async def kill_infrastructure(self, infrastructure_pid, configuration, grace_seconds=30):
        self.killed.append((infrastructure_pid, configuration.program, grace_seconds))
        if self.gone:
            raise InfrastructureNotFound("There is no such job any more.")
        os.killpg(int(infrastructure_pid), signal.SIGTERM)


@pytest.fixture
def name() -> str:
    return f"jobs-{uuid4()}"


async def until(condition) -> None:
    """Wait until something is so, with patience for a busy machine."""
    with anyio.fail_after(60):
        while not condition():
            await anyio.sleep(0.02)  # nothing here says when


async def test_a_run_that_somebody_else_has_had_meanwhile_is_not_started(api, http, deployed, name):
    async with JobWorker(name) as first, JobWorker(name) as second:
        job = deployed(name, "hello", job_variables={"program": "fails"})
        run_id = UUID(asked(http, job))
        seen = await second.client.get_scheduled_flow_runs_for_work_pool(name)
        assert [one.flow_run.id for one in seen] == [run_id]
        assert [one.id for one in await first.get_and_submit_flow_runs()] == [run_id]
        await until(lambda: run_of(http, str(run_id))["state_type"] == "CRASHED")
        second._submissions.begin(seen[0].flow_run)  # it has looked before the other took the run
        await until(lambda: not second._submissions.in_hand)
    assert (first.started, second.started) == ([run_id], [])
    assert run_of(http, str(run_id))["run_count"] == 0


async def test_of_two_workers_that_poll_at_once_one_has_the_run(api, http, deployed, name):
    async with JobWorker(name) as first, JobWorker(name) as second:
        job = deployed(name, "hello", job_variables={"program": "fails"})
        wanted = sorted(UUID(asked(http, job)) for _ in range(6))
        await asyncio.gather(first.get_and_submit_flow_runs(), second.get_and_submit_flow_runs())
    assert sorted(first.started + second.started) == wanted


async def test_the_hooks_of_a_worker_are_called_in_order_and_its_heart_beats(api, http, name):
    worker = JobWorker(name, name="beating", heartbeat_interval_seconds=1)
    async with anyio.create_task_group() as beside:
        beside.start_soon(worker.start)
        await until(lambda: worker.called.count("sync") >= 3)
        worker.stop()
    assert worker.called[:2] == ["setup", "sync"]
    assert (worker.called.count("setup"), worker.called[-1]) == (1, "teardown")
    known = http.post(f"/work_pools/{name}/workers/filter", json={}).json()
    assert [(one["name"], one["heartbeat_interval_seconds"], one["status"]) for one in known] == [
        ("beating", 1, "ONLINE")
    ]
    assert known[0]["last_heartbeat_time"] > known[0]["created"]


@pytest.mark.parametrize("gone", [False, True], ids=["ended", "gone"])
async def test_the_infrastructure_of_a_cancelled_run_is_killed_by_its_worker(
    api, http, deployed, name, tmp_path, gone
):
    settings = {PREFECT_WORKER_ENABLE_CANCELLATION: True, PREFECT_RUNNER_CANCEL_GRACE_SECONDS: 7}
    with temporary_settings({**settings, PREFECT_WORKER_QUERY_SECONDS: 0.2}):
        worker = JobWorker(name)
        async with anyio.create_task_group() as beside:
            beside.start_soon(worker.start)
            await until(lambda: "sync" in worker.called and worker.is_setup)
            worker.gone = gone
            run_id = asked(http, deployed(name, "endless", job_variables={"program": "stays"}))
            await until(lambda: run_of(http, run_id)["infrastructure_pid"])
            pid = run_of(http, run_id)["infrastructure_pid"]
            async with get_client() as client:
                await client.set_flow_run_state(UUID(run_id), Cancelling())
            await until(lambda: run_of(http, run_id)["state_type"] == "CANCELLED")
            if gone:
                os.killpg(int(pid), signal.SIGTERM)
            worker.stop()
    assert worker.killed == [(pid, "stays", 7)]


async def test_a_run_that_is_cancelled_before_its_infrastructure_is_there_gets_none(
    api, http, deployed, name
):
    class Slow(JobConfiguration):
        @classmethod
        async def resolve_for_flow_run(cls, flow_run, *, client, **more):
            made = await super().resolve_for_flow_run(flow_run, client=client, **more)
            await client.set_flow_run_state(flow_run.id, Cancelling())
            return made

    class SlowWorker(JobWorker):
        type = "slow-job"
        job_configuration = Slow

    async with SlowWorker(name) as worker:
        run_id = asked(http, deployed(name, "hello", job_variables={"program": "fails"}))
        await worker.get_and_submit_flow_runs()
    assert worker.started == []
    assert run_of(http, run_id)["state_type"] == "CANCELLED"


@pytest.mark.slow
async def test_a_flow_that_a_worker_of_others_runs_completes_and_is_cancelled(
    api, http, deployed, name, tmp_path
):
    with temporary_settings({PREFECT_WORKER_ENABLE_CANCELLATION: True, PREFECT_WORKER_QUERY_SECONDS: 0.2}):
        worker = JobWorker(name)
        async with anyio.create_task_group() as beside:
            beside.start_soon(worker.start)
            await until(lambda: worker.is_setup)
            done = asked(http, deployed(name, "hello"))
            await until(lambda: run_of(http, done)["state_type"] == "COMPLETED")
            run_id = asked(http, deployed(name, "endless"))
            await until(lambda: Path(tmp_path / "begun.txt").exists())
            http.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": "CANCELLING"}})
            await until(lambda: run_of(http, run_id)["state_type"] == "CANCELLED")
            worker.stop()

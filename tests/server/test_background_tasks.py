"""Background tasks: `delay`, `apply_async`, task workers; over the embedded store and over a server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from prefect import get_client, task
from prefect._backend.resolve import backend as backend_in_force
from prefect.exceptions import UnfinishedRun
from prefect.futures import PrefectDistributedFuture
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings
from prefect.task_worker import TaskWorker, create_status_server
from prefect.testing.cli import invoke_and_assert

from .conftest import serving

sys.path.insert(0, str(Path(__file__).parents[1]))
from server import background  # under the name that a worker knows it by

STORES = ["sqlite", "postgres"]

PROGRAM = Path(background.__file__)


@pytest.fixture(params=["embedded", "over-http", "plain"], autouse=True)
def api(request):
    """Every test runs on the store of this process, over HTTP, and with a server that speaks the public API only."""
    if request.param == "embedded":
        yield None
        return
    server = "plain_url" if request.param == "plain" else "server_url"
    url = f"{request.getfixturevalue(server)}/api"
    with temporary_settings({PREFECT_API_URL: url}):
        yield url


@contextmanager
def worker(api, *arguments, command=(str(PROGRAM),)):
    environment = dict(os.environ) | ({"PREFECT_API_URL": api} if api else {})
    child = subprocess.Popen(
        [sys.executable, *command, *arguments],
        env=environment,
        cwd=PROGRAM.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait(10)


def run_of(future):
    with get_client(sync_client=True) as client:
        return client.read_task_run(future.task_run_id)


def served(*tasks, seconds=0.01):
    """Execute what waits, in this process."""
    TaskWorker(*tasks).start(timeout=seconds)


@pytest.mark.behaviour(67)
def test_a_worker_of_another_process_executes_what_was_left_for_it(api):
    with worker(api):
        futures = [background.add.delay(1), background.add.delay(a=2, b=5)]
        assert [one.result(timeout=30) for one in futures] == [3, 7]
        assert background.shout.apply_async(("hey",)).result(timeout=30) == "HEY"
        with pytest.raises(ValueError, match="no"):
            background.refuse.delay().result(timeout=30)

        async def awaited():
            return await background.add.delay(10).result_async(timeout=30)

        assert asyncio.run(awaited()) == 12


def test_the_run_is_told_truly():
    future = background.shout.delay("x")
    waiting = run_of(future)
    assert (waiting.state.name, waiting.state.state_details.deferred) == ("Scheduled", True)
    with pytest.raises(TimeoutError):
        future.result(timeout=0.02)
    served(background.shout, seconds=1)
    future.wait(timeout=10)
    run = run_of(future)
    assert (run.state.name, run.run_count, run.tags) == ("Completed", 1, ["shout"])
    with get_client(sync_client=True) as client:
        (read,) = [one for one in client.read_task_runs() if one.id == run.id]
    assert read.state.name == "Completed"
    assert PrefectDistributedFuture(UUID(str(run.id))).result() == "X"


def test_only_what_is_served_is_taken():
    future = background.add.delay(1)
    served(background.refuse, seconds=0.3)
    assert future.state.name == "Scheduled"
    with pytest.raises((UnfinishedRun, TimeoutError)):
        future.result(timeout=0.01)
    served(background.add, seconds=1)
    assert future.result(timeout=10) == 3


def test_a_run_that_a_flow_has_left_is_part_of_it_and_outlives_it():
    run_id = UUID(background.leaves_one(40))
    served(background.add, seconds=1)
    future = PrefectDistributedFuture(run_id)
    assert future.result(timeout=10) == 42
    assert run_of(future).flow_run_id is not None


def test_only_so_many_run_at_once(tmp_path):
    inside, most, guard, gate = [0], [0], threading.Lock(), threading.Event()

    @task
    def visit(_):
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == 2:
                gate.set()
        gate.wait(5)
        with guard:
            inside[0] -= 1

    futures = visit.map(range(6), deferred=True)
    worker = TaskWorker(visit, limit=2)
    assert (worker.limit, worker.current_tasks, worker.available_tasks, worker.started) == (2, 0, 2, False)
    worker.start(timeout=2)
    assert [one.state.name for one in futures] == ["Completed"] * 6
    assert most[0] == 2


def test_the_runs_of_a_worker_that_dies_are_taken_up_by_another(only_ours, api, tmp_path, eventually):
    mark, until = tmp_path / "mark", tmp_path / "until"
    with worker(api) as first:
        future = background.linger.delay(str(mark), str(until))
        eventually(lambda: mark.exists() and mark.read_text())
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    if api is not None:
        backend_in_force().reap()  # the server's service, which this server does not run by itself
    until.touch()
    with worker(api) as second:
        assert future.result(timeout=30) == "done"
        assert len(mark.read_text().split()) == 2
        assert second.pid == int(mark.read_text().split()[1])


@pytest.mark.slow
def test_a_run_that_kills_its_workers_is_given_up(only_ours, api, tmp_path):
    future = background.die.delay(str(tmp_path / "mark"))
    for _ in range(3):
        with worker(api) as child:
            child.wait(30)
        if api is not None:
            backend_in_force().reap()
    backend_in_force().reap()
    assert future.state.name == "Crashed"
    assert (tmp_path / "mark").read_text() == "dying\n" * 3


def test_sigterm_lets_a_run_end_and_takes_no_other(api, tmp_path, eventually):
    mark, until = tmp_path / "mark", tmp_path / "until"
    with worker(api, "1") as child:
        future = background.linger.delay(str(mark), str(until))
        eventually(lambda: mark.exists() and mark.read_text())
        child.send_signal(signal.SIGTERM)
        late = background.add.delay(1)
        until.touch()
        assert child.wait(30) == 0
    assert future.result(timeout=10) == "done"
    assert late.state.name == "Scheduled"
    served(background.add, seconds=1)
    assert late.result(timeout=10) == 3


def test_the_command_serves_tasks(api):
    command = ("-m", "prefect", "task", "serve")
    with worker(api, f"{PROGRAM}:add", "--limit", "3", command=command) as child:
        assert background.add.delay(5).result(timeout=30) == 7
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 0


def test_what_cannot_be_served_is_said():
    with pytest.raises(ValueError, match="at least one task"):
        TaskWorker()
    with pytest.raises(TypeError, match="Expected tasks"):
        TaskWorker(print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        TaskWorker(background.add, limit=0)
    invoke_and_assert(["task", "serve"], expected_code=1, expected_output_contains="Expected tasks to serve")


def test_the_status_of_a_worker():
    with serving(create_status_server(TaskWorker(background.add, limit=4))) as url:
        answer = httpx.get(f"{url}/status").json()
    assert answer.items() >= {"limit": 4, "current_tasks": 0, "available_tasks": 4}.items()


def test_parameters_that_are_gone_fail_the_run():
    future = background.add.delay(1)
    stored = run_of(future).state.state_details.task_parameters_id
    (Path(get_current_settings().results.local_storage_path) / f"parameters/{stored}").unlink()
    served(background.add, seconds=1)
    assert "parameters cannot be read" in run_of(future).state.message

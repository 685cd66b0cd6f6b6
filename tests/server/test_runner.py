"""`serve` and `Runner`: the runs of deployments are executed, once each, and end truthfully; with and without a server."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from prefect._services import recovery
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.model.requests.logs import LogFilter
from prefect.model.runs import FlowRun
from prefect.runner import Runner
from prefect.settings import get_current_settings, temporary_settings
from prefect.states import Cancelling

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

FLOWS = """
import os, signal, subprocess, sys, time
from pathlib import Path
from prefect import flow, task

HERE = Path(__file__).parent

def note(text):
    with (HERE / "noted").open("a") as file:
        file.write(text + "\\n")

@flow
def add(a: int, b: int = 1):
    note(f"{a}+{b}")
    return a + b

@flow
def talk():
    print("said on stdout")
    sys.stderr.write("said on stderr\\n")
    subprocess.run(["echo", "said by a program"])

@task(persist_result=True)
def durable():
    note("durable")
    return 7

def crashed(flow, run, state):
    note(f"crashed {run.name}")

@flow(on_crashed=[crashed])
def fragile(times: int = 1):
    value = durable()
    note("fragile")
    if len((HERE / "noted").read_text().split("fragile")) - 1 <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return value

def stopped(flow, run, state):
    note(f"stopped {run.name}")

@flow(on_cancellation=[stopped])
def patient():
    note("begun")
    time.sleep(60)

@flow(on_cancellation=[stopped])
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("begun")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            time.sleep(0.01)
        except BaseException:
            pass

@flow
def interruptible():
    note("begun")
    if (HERE / "again").exists():
        return "done"
    (HERE / "again").touch()
    time.sleep(60)
"""
PATIENCE = 30.0


BOTH = pytest.mark.parametrize("place", ["store", "server"], indirect=True)


@pytest.fixture(params=["store", pytest.param("server", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where runs are recorded: the store of this process, or a server of ours."""
    if request.param == "store":
        yield "store"
        return
    url = f"{request.getfixturevalue('server_url')}/api"
    with temporary_settings({"PREFECT_API_URL": url}):
        yield "server"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the flows are defined, under a name of its own, and where this process is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{_module(tmp_path)}.py").write_text(FLOWS)
    (tmp_path / "noted").touch()
    return tmp_path


def _module(folder: Path) -> str:
    return f"flows_{abs(hash(str(folder)))}"


def deployed(folder: Path, name: str, **options: Any) -> RunnerDeployment:
    """A deployment of a flow of the folder."""
    return RunnerDeployment.from_entrypoint(f"{_module(folder)}.py:{name}", name=folder.name, **options)


def noted(folder: Path) -> list[str]:
    """What the flows have noted."""
    return (folder / "noted").read_text().split("\n")[:-1]


@contextmanager
def served(*deployments: RunnerDeployment, **options: Any) -> Iterator[tuple[Runner, list[UUID]]]:
    """A runner that executes the deployments in a thread while the block runs, and what they are registered as."""
    runner = Runner(pause_on_shutdown=False, **options)
    ids = [runner.add_deployment(one) for one in deployments]
    thread = threading.Thread(target=contextvars.copy_context().run, args=(runner.run,))
    thread.start()
    try:
        yield runner, ids
    finally:
        runner.handle_sigterm()
        runner.handle_sigterm()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def asking(place: str) -> Iterator[SyncPrefectClient]:
    """A client of the place."""
    with get_client(sync_client=True) as client:
        yield client


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait until something is so, and give that."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} has not come to be so"
        time.sleep(0.01)  # nothing tells this process
    return found


def ended(client: SyncPrefectClient, run: FlowRun, *names: str) -> FlowRun:
    """The run, once it has ended in one of these states (any, if none is named)."""

    def look() -> FlowRun | None:
        found = client.read_flow_run(run.id)
        assert found.state is not None
        return found if (found.state.name in names if names else found.state.is_final()) else None

    return until(look, f"flow run {run.name}")


def states(client: SyncPrefectClient, run: FlowRun) -> list[str]:
    """The names of all states of a run, in order."""
    return [state.name or "" for state in client.read_flow_run_states(run.id)]


class TestExecution:
    """A run that is asked for is executed with its parameters."""

    @BOTH
    def test_with_its_parameters(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "add", parameters={"b": 10})) as (_, (deployment,)):
            first = asking.create_flow_run_from_deployment(deployment, parameters={"a": 1})
            second = asking.create_flow_run_from_deployment(deployment, parameters={"a": 2, "b": 3})
            assert {ended(asking, run).state_name for run in (first, second)} == {"Completed"}
        assert sorted(noted(folder)) == ["1+10", "2+3"]
        assert states(asking, first) == ["Scheduled", "Pending", "Pending", "Running", "Completed"]

    def test_what_its_process_writes_is_in_its_logs(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "talk")) as (_, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            ended(asking, run, "Completed")
        asked = LogFilter.model_validate({"flow_run_id": {"any_": [run.id]}})

        def said() -> list[str]:
            return [line.message for line in asking.read_logs(asked) if "said" in line.message]

        until(lambda: len(said()) == 3)
        assert sorted(said()) == ["said by a program", "said on stderr", "said on stdout"]

    def test_runs_once(self, folder: Path, asking: SyncPrefectClient) -> None:
        runner = Runner(pause_on_shutdown=False)
        deployment = runner.add_deployment(deployed(folder, "add"))
        run = asking.create_flow_run_from_deployment(deployment, parameters={"a": 5})
        runner.run(run_once=True)
        assert asking.read_flow_run(run.id).state_name == "Completed"

    def test_two_runners_execute_no_run_twice(self, folder: Path, asking: SyncPrefectClient) -> None:
        deployment = deployed(folder, "add")
        with served(deployment, limit=3) as (_, (id,)), served(deployment, limit=3):
            runs = [asking.create_flow_run_from_deployment(id, parameters={"a": n}) for n in range(20)]
            assert {ended(asking, run).state_name for run in runs} == {"Completed"}
        assert sorted(noted(folder)) == sorted(f"{n}+1" for n in range(20))

    def test_limit_and_priority(self, folder: Path, asking: SyncPrefectClient) -> None:
        runner = Runner(limit=1, pause_on_shutdown=False)
        usual = deployed(folder, "add", job_variables={"priority": 5})
        deployment = runner.add_deployment(usual)
        asked = [
            asking.create_flow_run_from_deployment(
                deployment, parameters={"a": n}, job_variables={"priority": n} if n < 3 else None
            )
            for n in (4, 2, 1)
        ]
        thread = threading.Thread(target=contextvars.copy_context().run, args=(runner.run,))
        thread.start()
        for run in asked:
            ended(asking, run, "Completed")
        runner.stop()
        thread.join(PATIENCE)
        assert noted(folder) == ["1+1", "2+1", "4+1"]

    def test_environment_and_folder_of_the_job(self, folder: Path, asking: SyncPrefectClient) -> None:
        (folder / "elsewhere").mkdir()
        command = f"{sys.executable} -c \"import os; print('said', os.environ['SAID'], os.getcwd())\""
        variables = {"env": {"SAID": 3}, "working_dir": str(folder / "elsewhere"), "command": command}
        with served(deployed(folder, "talk", job_variables=variables, recover=0)) as (_, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            final = ended(asking, run)
        assert final.state_name == "Crashed"  # the program has not executed the run, whatever its exit code
        asked = LogFilter.model_validate({"flow_run_id": {"any_": [run.id]}})
        lines = until(lambda: [line.message for line in asking.read_logs(asked) if "said" in line.message])
        assert lines == [f"said 3 {folder / 'elsewhere'}"]


class TestDeath:
    """A process that dies leaves a crashed run with the cause, which is executed again if it may be."""

    @BOTH
    def test_recovers_and_replays_what_is_recorded(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "fragile")) as (_, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment, parameters={"times": 1})
            ended(asking, run, "Completed")
        assert noted(folder) == ["durable", "fragile", "fragile"]
        assert states(asking, run)[-6:] == [
            "Crashed",
            "Recovering",
            "Pending",
            "Pending",
            "Running",
            "Completed",
        ]

    def test_is_not_recovered_for_ever(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "fragile", recover=2)) as (runner, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment, parameters={"times": 9})
            until(lambda: states(asking, run).count("Crashed") == 3)
            until(lambda: not runner.run_count)
        assert states(asking, run)[-1] == "Crashed"
        assert states(asking, run).count("Recovering") == 2
        assert noted(folder)[-1] == f"crashed {run.name}"

    def test_says_why_and_calls_the_hooks_once(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "fragile", recover=0)) as (_, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            final = ended(asking, run)
        assert final.state is not None
        assert final.state.name == "Crashed"
        assert "killed by SIGKILL" in (final.state.message or "")
        assert noted(folder) == ["durable", "fragile", f"crashed {run.name}"]

    def test_a_module_that_does_not_import_any_more(self, folder: Path, asking: SyncPrefectClient) -> None:
        deployment = deployed(folder, "add", recover=0)
        (folder / f"{_module(folder)}.py").write_text("raise ValueError('broken since yesterday')")
        with served(deployment) as (_, (id,)):
            final = ended(asking, asking.create_flow_run_from_deployment(id, parameters={"a": 1}))
        assert final.state is not None
        assert final.state.name == "Crashed"
        assert "broken since yesterday" in (final.state.message or "")


class TestCancellation:
    """Cancelled means stopped."""

    @BOTH
    def test_of_a_flow_that_listens(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "patient")) as (_, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            until(lambda: noted(folder) == ["begun"])
            asking.set_flow_run_state(run.id, Cancelling())
            assert ended(asking, run).state_name == "Cancelled"
            until(lambda: len(noted(folder)) == 2)
        assert noted(folder) == ["begun", f"stopped {run.name}"]

    def test_of_a_flow_that_ignores_signals(self, folder: Path, asking: SyncPrefectClient) -> None:
        with (
            temporary_settings({"PREFECT_RUNNER_CANCEL_GRACE_SECONDS": 0.6}),
            served(deployed(folder, "stubborn")) as (_, (deployment,)),
        ):
            run = asking.create_flow_run_from_deployment(deployment)
            until(lambda: noted(folder) == ["begun"])
            asking.set_flow_run_state(run.id, Cancelling())
            final = ended(asking, run)
        assert final.state is not None
        assert final.state.name == "Cancelled"
        assert "SIGKILL" in (final.state.message or "")
        assert noted(folder) == ["begun", f"stopped {run.name}"]

    def test_cancel_all(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "patient")) as (runner, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            until(lambda: noted(folder) == ["begun"])
            asyncio.run(runner.cancel_all())
            assert ended(asking, run).state_name == "Cancelled"


class TestShuttingDown:
    """Runs may finish; those that do not are handed over."""

    def test_a_run_may_finish(self, folder: Path, asking: SyncPrefectClient) -> None:
        (folder / "again").touch()
        with served(deployed(folder, "interruptible")) as (runner, (deployment,)):
            run = asking.create_flow_run_from_deployment(deployment)
            until(lambda: noted(folder) == ["begun"])
            runner.handle_sigterm()
            assert ended(asking, run).state_name == "Completed"

    def test_a_run_that_does_not_finish_is_handed_over(self, folder: Path, asking: SyncPrefectClient) -> None:
        deployment = deployed(folder, "interruptible", recover=0)
        with (
            temporary_settings({"PREFECT_RUNNER_DRAIN_SECONDS": 0.1}),
            served(deployment) as (runner, (id,)),
        ):
            run = asking.create_flow_run_from_deployment(id)
            until(lambda: noted(folder) == ["begun"])
            runner.handle_sigterm()
            ended(asking, run, "HandedOver")
        with served(deployment):
            assert ended(asking, run).state_name == "Completed"

    def test_takes_nothing_any_more(self, folder: Path, asking: SyncPrefectClient) -> None:
        with served(deployed(folder, "patient"), deployed(folder, "add")) as (runner, (slow, quick)):
            asking.create_flow_run_from_deployment(slow)
            until(lambda: noted(folder) == ["begun"])
            runner.stop()
            run = asking.create_flow_run_from_deployment(quick, parameters={"a": 1})
        assert asking.read_flow_run(run.id).state_name == "Scheduled"

    def test_pauses_its_deployments(self, folder: Path, asking: SyncPrefectClient) -> None:
        runner = Runner()
        deployment = runner.add_deployment(deployed(folder, "add", cron="0 3 * * *"))
        runner.stop()
        runner.run()
        assert asking.read_deployment(deployment).paused
        Runner().add_deployment(deployed(folder, "add", cron="0 3 * * *"))
        assert not asking.read_deployment(deployment).paused


class TestServices:
    """What a dead runner has left is executed by another."""

    def test_a_run_that_was_taken_and_never_begun(self, folder: Path) -> None:
        from prefect._backend.resolve import local_backend
        from prefect.runner._taking import Taking

        runner = Runner()
        deployment = runner.add_deployment(deployed(folder, "add"))
        with get_client(sync_client=True) as client:
            run = client.create_flow_run_from_deployment(deployment, parameters={"a": 1})
            assert Taking(client).claim(run)
            later = round(time.time() * 1e6) + round((recovery.START_SECONDS - 5) * 1e6)
            recovery.run_once(local_backend(), later)
            assert client.read_flow_run(run.id).state_name == "Pending"
            recovery.run_once(local_backend(), later + 10_000_000)
            assert client.read_flow_run(run.id).state_name == "HandedOver"
        runner.run(run_once=True)
        assert noted(folder) == ["1+1"]


class TestServe:
    """The whole process, without a server."""

    SCRIPT = (
        FLOWS
        + """
if __name__ == "__main__":
    from prefect import serve
    add.serve(name="every", interval=1, parameters={"a": 1}, webserver=True)
"""
    )

    def test_until_sigterm(self, tmp_path: Path) -> None:
        script = tmp_path / "served.py"
        script.write_text(self.SCRIPT)
        home = tmp_path / "home"
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {
            **os.environ,
            "PREFECT_HOME": str(home),
            "PREFECT_RUNNER_SERVER_HOST": "127.0.0.1",
            "PREFECT_RUNNER_SERVER_PORT": str(port),
        }
        environment.pop("PREFECT_SERVER_DATABASE_CONNECTION_URL", None)
        process = subprocess.Popen(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE
        )
        try:
            until(lambda: (tmp_path / "noted").exists() and len(noted(tmp_path)) >= 2, "the schedule")
            url = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/health").json() == {"message": "OK"}
            assert httpx.get(f"{url}/run_count").json() in {0, 1}
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0
        assert "prefect deployment run 'add/every'" in said
        with temporary_settings(
            {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite:///{home / 'pluperfect.db'}"}
        ):
            assert get_current_settings().api.url is None
            with SyncPrefectClient(None) as client:
                assert client.read_deployment_by_name("add/every").paused

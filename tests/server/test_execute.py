"""Taking up runs of deployments in this process and in children: with a server, and without."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prefect._backend import resolve
from prefect._execute import execute
from prefect.exceptions import InfrastructureNotAvailable, MissingFlowError, ParameterBindError
from prefect.runner._children import Children, Source
from prefect.settings import temporary_settings
from prefect.states import Pending, Scheduled

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

FLOWS = """
from pathlib import Path
from prefect import flow, task
from prefect.runtime import flow_run

@task
def double(n):
    return 2 * n

@flow
def etl(n: int = 1, factor: int = 1):
    Path("seen.txt").write_text(f"{double(n) * factor} {flow_run.name}")
"""


@pytest.fixture(params=["in-process", "over-http"])
def api(request: pytest.FixtureRequest, server_url: str) -> Iterator[None]:
    """Runs are recorded by the server of this module, then in the store of this process."""
    url = f"{server_url}/api" if request.param == "over-http" else None
    with temporary_settings({"PREFECT_API_URL": url}):
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "code"
    made.mkdir()
    (made / "flows.py").write_text(FLOWS)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def ask(api: None, folder: Path):
    """Asks for a run of a new deployment."""
    from prefect.client.orchestration import get_client

    def make(*, state=None, parameters=None, **options) -> UUID:
        given = {"entrypoint": "flows.py:etl", "path": str(folder), "parameters": {"n": 5}, **options}
        with get_client(sync_client=True) as client:
            flow_id = client.create_flow_from_name("etl")
            deployment = client.create_deployment(flow_id, name=f"d-{uuid4()}", **given)
            run = client.create_flow_run_from_deployment(deployment, parameters=parameters, state=state)
        return run.id

    return make


def record_of(run_id: UUID):
    return resolve.backend().read_flow_run(run_id.bytes)


class TestExecute:
    def test_a_scheduled_run_with_the_parameters_of_both(self, ask, folder):
        run_id = ask(parameters={"factor": 10})
        execute(record_of(run_id))
        run = record_of(run_id)
        assert (run.state.name, run.owner) == ("Completed", None)
        assert (folder / "seen.txt").read_text() == f"100 {run.name}"

    def test_one_that_somebody_has_submitted(self, ask, folder):
        run_id = ask(state=Pending())
        execute(record_of(run_id))
        assert record_of(run_id).state.name == "Completed"

    def test_it_keeps_the_slot_it_has(self, ask):
        from prefect.client.orchestration import get_client

        run_id = ask(concurrency_limit=1)
        with get_client(sync_client=True) as client:
            answer = client.set_flow_run_state(run_id, Pending())
            assert answer.status.name == "ACCEPT"
            execute(record_of(run_id))
            run = client.read_flow_run(run_id)
            deployment = client.read_deployment(run.deployment_id)
        assert run.state.name == "Completed"
        assert deployment.global_concurrency_limit.active_slots == 0

    def test_it_waits_for_a_slot_by_the_rules(self, ask):
        from prefect.client.orchestration import get_client

        first = ask(concurrency_limit=1)
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(first)
            second = client.create_flow_run_from_deployment(run.deployment_id).id
            client.set_flow_run_state(first, Pending())
        execute(record_of(second))
        assert record_of(second).state.name == "AwaitingConcurrencySlot"
        execute(record_of(first))
        assert record_of(first).state.name == "Completed"

    def test_a_deployment_without_an_entrypoint(self, ask):
        run_id = ask(entrypoint=None)
        with pytest.raises(MissingFlowError, match="has no entrypoint"):
            execute(record_of(run_id))
        assert record_of(run_id).state.name == "Scheduled"

    def test_a_folder_that_is_gone(self, ask, folder):
        run_id = ask(path=str(folder / "gone"))
        with pytest.raises(MissingFlowError, match="cannot be entered"):
            execute(record_of(run_id))

    def test_pull_steps_are_carried_out_by_whoever_can(self, ask, folder):
        run_id = ask(path=None, pull_steps=[{"prefect.deployments.steps.set_working_directory": {}}])
        with pytest.raises(MissingFlowError, match="pull steps"):
            execute(record_of(run_id))
        seen = []
        execute(record_of(run_id), pull=lambda deployment: seen.append(deployment.name) or folder)
        assert len(seen) == 1
        assert record_of(run_id).state.name == "Completed"

    def test_parameters_that_do_not_fit(self, ask):
        run_id = ask(parameters={"m": 1})
        with pytest.raises(ParameterBindError, match="do not fit the flow 'etl'"):
            execute(record_of(run_id))

    def test_a_run_of_another_process(self, ask):
        run_id = ask()
        resolve.backend().open_attempt(run_id.bytes)
        with pytest.raises(InfrastructureNotAvailable, match=f"executed by pid {os.getpid()}"):
            execute(record_of(run_id))
        resolve.backend().leave_flow_run(run_id.bytes, unfinished=True)


def test_the_command_takes_the_id_from_the_environment(ask, folder, server_url):
    from prefect.settings import get_current_settings

    run_id = ask(state=Scheduled())
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "execute"],
        env={**os.environ, **settings, "PREFECT__FLOW_RUN_ID": str(run_id)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("Finished in state Completed")) == (0, 1), done.stderr
    assert record_of(run_id).state.name == "Completed"


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_child_reports_where_its_runner_does(ask, folder, warm):
    ended = threading.Event()
    endings = []

    def on_end(_, ending):
        endings.append(ending)
        ended.set()

    with temporary_settings({"PREFECT_RUNNER_FORK_SERVER": warm}):
        run_id = ask(parameters={"factor": 3})
        children = Children(lambda *_: None, on_end)
        try:
            children.start(run_id, Source("flows.py:etl", folder))
            assert ended.wait(30)
        finally:
            children.close()
    run = record_of(run_id)
    assert (run.state.name, endings[0].cause) == ("Completed", None)
    assert (folder / "seen.txt").read_text() == f"30 {run.name}"

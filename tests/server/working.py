"""What tests of workers need: a pool, deployments in it, and `prefect worker start`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from prefect.settings import PREFECT_API_URL, temporary_settings

SOURCE = Path(__file__).parents[2] / "src"
FLOWS = """
import os
import time
from pathlib import Path

from prefect import flow


@flow
def hello(n: int = 1):
    print("printed", os.environ.get("COLOUR"), os.environ.get("PREFECT__WORKER_NAME"))
    Path("ran.txt").open("a").write(f"{n}\\n")


@flow
def endless():
    Path("begun.txt").write_text("yes")
    time.sleep(600)


@flow
def dies():
    os._exit(3)


@flow
def killed():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def api(server_url) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: f"{server_url}/api"}):
        yield f"{server_url}/api"


@pytest.fixture
def deployed(http, tmp_path):
    """Makes a deployment of a flow in the folder of this test, in a pool; asks for runs of it."""
    (tmp_path / "flows.py").write_text(FLOWS)

    def deploy(pool: str, flow: str, **more) -> str:
        flow_id = http.post("/flows/", json={"name": flow}).json()["id"]
        body = {
            "name": f"d-{uuid4()}",
            "flow_id": flow_id,
            "work_pool_name": pool,
            "entrypoint": f"flows.py:{flow}",
            "path": str(tmp_path),
            **more,
        }
        answer = http.post("/deployments/", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return deploy


@pytest.fixture
def pool(http) -> str:
    name = f"pool-{uuid4()}"
    assert http.post("/work_pools/", json={"name": name, "type": "process"}).status_code == 201
    return name


def asked(http, deployment: str) -> str:
    answer = http.post(f"/deployments/{deployment}/create_flow_run", json={})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def run_of(http, run_id: str) -> dict:
    return http.get(f"/flow_runs/{run_id}").json()


@pytest.fixture
def start(api, tmp_path) -> Iterator:
    """Starts `prefect worker start`; no process is left."""
    started: list[subprocess.Popen] = []

    def begin(pool: str, *options: str, **variables: str) -> subprocess.Popen:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        environment |= {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path / "home")}
        environment |= {"PYTHONPATH": str(SOURCE), **variables}
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, *options]
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)

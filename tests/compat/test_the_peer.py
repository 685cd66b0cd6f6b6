"""`prefect==3.9.1`, unmodified, against our server; and our flows against its server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx
import pytest

from .conftest import PROGRAMS, environment, of, running, until

OURS = sys.executable
FLOWS = [
    "Plain",
    "nested",
    "mapped",
    "retried",
    "fails",
    "caches",
    "chatty",
    "called",
    "awaited",
    "leaves-artifacts",
    "uses-variables",
]


@pytest.mark.quick
@pytest.mark.parametrize("name", FLOWS)
def test_its_flows_leave_the_same_record_here_as_there(name, peer, our_server, peer_server, observed):
    assert observed(peer, our_server)[name] == observed(peer, peer_server)[name]


@pytest.mark.parametrize("name", FLOWS)
def test_our_flows_leave_the_same_record_there_as_its_own(name, peer, peer_server, observed):
    assert observed(OURS, peer_server)[name] == observed(peer, peer_server)[name]


@pytest.mark.parametrize("name", FLOWS)
def test_our_flows_leave_the_same_record_here(name, peer, our_server, peer_server, observed):
    """But that a subflow is made and begun at once: what tracks it is Pending once, not twice."""
    assert once_each(observed(OURS, our_server)[name]) == once_each(observed(peer, peer_server)[name])


def once_each(record: dict[str, object]) -> dict[str, object]:
    """The record, with a state that follows upon itself written once."""
    tasks = [
        [*columns, [name for name, before in zip(states, [None, *states]) if name != before]]
        for *columns, states in record["tasks"]
    ]
    return {**record, "tasks": tasks}


def test_its_command_line_lists_and_inspects(peer, our_server, observed, run):
    observed(peer, our_server)
    runs = json.loads(run(peer, our_server, "-m", "prefect", "flow-run", "ls", "-o", "json"))
    chosen = next(one for one in runs if one["name"] == "sum-of-2")
    shown = run(peer, our_server, "-m", "prefect", "flow-run", "inspect", chosen["id"])
    assert "sum-of-2" in shown
    assert "Finished in state" in run(peer, our_server, "-m", "prefect", "flow-run", "logs", chosen["id"])
    assert "Plain" in run(peer, our_server, "-m", "prefect", "flow", "ls")
    assert "report" in run(peer, our_server, "-m", "prefect", "artifact", "ls")
    run(peer, our_server, "-m", "prefect", "variable", "set", "told", "17")
    assert "17" in run(peer, our_server, "-m", "prefect", "variable", "inspect", "told")


def ended(url: str, run_id: str) -> bool:
    state = httpx.get(f"{url}/flow_runs/{run_id}").json()["state"]
    return state["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def triggered(url: str, name: str, **parameters: object) -> str:
    """The id of a new run of a deployment, once that is registered."""
    found = f"{url}/deployments/name/{name}"
    until(lambda: httpx.get(found).status_code == 200, f"the deployment {name}")
    deployment = httpx.get(found).json()["id"]
    made = httpx.post(
        f"{url}/deployments/{deployment}/create_flow_run", json={"parameters": parameters or {"x": 21}}
    )
    assert made.status_code in {200, 201}, made.text
    return made.json()["id"]


def assert_completed(url: str, run_id: str, said: str, log: Path) -> None:
    until(lambda: ended(url, run_id), f"the end of run {run_id}; see {log.read_text()[-3000:]}")
    assert httpx.get(f"{url}/flow_runs/{run_id}").json()["state_name"] == "Completed", log.read_text()[-3000:]
    asked = {"logs": {"flow_run_id": {"any_": [run_id]}}}
    until(
        lambda: any(said in line["message"] for line in httpx.post(f"{url}/logs/filter", json=asked).json()),
        f"the line {said!r}",
    )


def test_its_serve_takes_runs(peer, our_server, tmp_path):
    log = tmp_path / "serve.log"
    command = [peer, str(PROGRAMS / "served.py"), "by-the-peer"]
    with running(command, of(peer, environment(tmp_path / "home", our_server)), log):
        run_id = triggered(our_server, "served/by-the-peer")
        assert_completed(our_server, run_id, "said by a served run: 21", log)


def test_its_process_worker_takes_runs(peer, our_server, tmp_path, run):
    run(peer, our_server, "-m", "prefect", "work-pool", "create", "local", "--type", "process")
    run(peer, our_server, str(PROGRAMS / "deployed.py"), "by-a-worker", "local")
    log = tmp_path / "worker.log"
    command = [peer, "-m", "prefect", "worker", "start", "--pool", "local"]
    with running(command, of(peer, environment(tmp_path / "home", our_server)), log):
        run_id = triggered(our_server, "deployed/by-a-worker")
        assert_completed(our_server, run_id, "said by a worker's run: 21", log)
    pools = json.loads(run(peer, our_server, "-m", "prefect", "work-pool", "ls", "-o", "json"))
    assert [one["name"] for one in pools] == ["local"]

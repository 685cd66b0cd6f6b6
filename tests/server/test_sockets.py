"""The websockets, asked by a websocket client as a Prefect client does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from websockets.sync.client import ClientConnection, connect

from prefect.model.runs import TaskRun

AUTH = {"type": "auth", "token": None}
DATA = Path(__file__).parent / "data"
RECORDED = [json.loads(line) for line in (DATA / "client_events.jsonl").read_text().splitlines()]
REPORTS = [event for event in RECORDED if event["event"].startswith("prefect.task-run.")]


@contextmanager
def talking(
    server_url: str, path: str, *sent, subprotocol: str | None = "prefect"
) -> Iterator[ClientConnection]:
    url = server_url.replace("http", "ws", 1) + f"/api{path}"
    with connect(url, subprotocols=[subprotocol] if subprotocol else None) as socket:
        for message in sent:
            socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
        yield socket


def report(server_url: str, events) -> None:
    """Send events as a client does; all of them are recorded when this returns."""
    with talking(server_url, "/events/in", AUTH) as socket:
        assert json.loads(socket.recv()) == {"type": "auth_success"}
        for event in events:
            socket.send(json.dumps(event))
    # the close is answered at once, the last batch is written right after


def shown(backend, run_id: str) -> dict:
    return TaskRun.from_record(backend.read_task_run(UUID(run_id))).model_dump(mode="json")


def run_id_of(event) -> str:
    return event["resource"]["prefect.resource.id"].rpartition(".")[2]


def states_of(backend, run_id: str) -> list[str]:
    return [state.name for state in backend.read_task_run_states(UUID(run_id))]


RUNS = {run_id_of(event): [one for one in REPORTS if run_id_of(one) == run_id_of(event)] for event in REPORTS}


@pytest.mark.parametrize("order", ["as-sent", "backwards", "shuffled", "twice"])
def test_task_runs_of_a_real_client_become_rows(server_url, backend, eventually, order):
    with backend.store.write() as cx:
        cx.execute("DELETE FROM task_run")
    events = list(RECORDED)
    if order == "backwards":
        events.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(events)
    elif order == "twice":
        events += events
    report(server_url, events)
    for run_id, reports in RUNS.items():
        names = [one["event"].rpartition(".")[2] for one in reports]
        eventually(lambda run_id=run_id, names=names: states_of(backend, run_id) == names)
        last = reports[-1]
        run, told = shown(backend, run_id), last["payload"]["task_run"]
        assert run["state_type"] == last["resource"]["prefect.state-type"]
        assert run["state"]["message"] == (last["resource"]["prefect.state-message"] or None)
        for name in (
            "name",
            "task_key",
            "dynamic_key",
            "tags",
            "run_count",
            "flow_run_run_count",
            "task_inputs",
        ):
            assert run[name] == told[name], name
        for name in ("start_time", "end_time", "expected_start_time"):
            assert run[name] == told.get(name), name
        assert run["total_run_time"] == pytest.approx(told["total_run_time"])
        assert run["empirical_policy"]["retries"] == (told["empirical_policy"]["retries"] or None)

"""Our flows on a server that speaks the public API only: ours, with its own endpoints hidden."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from prefect import flow, get_run_logger, tags, task
from prefect._backend import resolve
from prefect._backend.public import PublicBackend
from prefect._backend.public_events import Around, events_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.filters import Condition
from prefect.exceptions import CancelledRun, ObjectNotFound, StoreError
from prefect.model.records import TaskRunRecord
from prefect.settings import temporary_settings
from prefect.testing.cli import invoke_and_assert


@pytest.fixture(scope="module")
def api(plain_url) -> str:
    return f"{plain_url}/api"


@pytest.fixture
def http(api: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api) as asking:
        yield asking


@pytest.fixture
def reporting(api: str, tmp_path: Path) -> Iterator[None]:
    """Flows of this test report there."""
    with temporary_settings({"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path)}):
        yield
        resolve.close(api)


def runs_of(http: httpx.Client, name: str) -> list[dict]:
    return http.post("/flow_runs/filter", json={"flows": {"name": {"any_": [name]}}}).json()


def task_runs_of(http: httpx.Client, run: dict) -> list[dict]:
    asked = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    return sorted(http.post("/task_runs/filter", json=asked).json(), key=lambda one: one["name"])


def test_a_flow_is_on_record_with_its_tasks_and_logs(reporting, http: httpx.Client, api: str):
    @task(tags=["a"])
    def double(x, y=0):
        get_run_logger().warning("doubling %d", x)
        return 2 * x

    @flow
    def reported(n: int = 1):
        with tags("inner"):
            return sum(double.map(range(n)).result())

    state = reported(3, return_state=True)
    assert isinstance(resolve.backend(), PublicBackend)
    resolve.close(api)
    (run,) = runs_of(http, "reported")
    assert run["id"] == str(state.state_details.flow_run_id)
    assert (run["state_name"], run["run_count"], run["parameters"]) == ("Completed", 1, {"n": 3})
    found = task_runs_of(http, run)
    assert [(one["state_name"], one["run_count"], sorted(one["tags"])) for one in found] == [
        ("Completed", 1, ["a", "inner"])
    ] * 3
    assert sorted(found[0]["task_inputs"]) == ["x", "y"]
    states = http.get("/task_run_states/", params={"task_run_id": found[0]["id"]}).json()
    assert [one["name"] for one in states] == ["Pending", "Running", "Completed"]
    lines = http.post("/logs/filter", json={"logs": {"flow_run_id": {"any_": [run["id"]]}}}).json()
    assert sorted(one["message"] for one in lines if "doubling" in one["message"]) == [
        "doubling 0",
        "doubling 1",
        "doubling 2",
    ]


def test_retries_are_the_servers_decision(reporting, http: httpx.Client):
    tries = []

    @flow(retries=1)
    def retried():
        tries.append(1)
        raise ValueError("always")

    assert retried(return_state=True).name == "Failed"
    assert len(tries) == 2
    (run,) = runs_of(http, "retried")
    states = http.get("/flow_run_states/", params={"flow_run_id": run["id"]}).json()
    names = [one["name"] for one in sorted(states, key=lambda one: one["timestamp"])]
    assert names == ["Pending", "Running", "AwaitingRetry", "Running", "Failed"]


def test_a_subflow_has_a_task_run_that_stands_for_it(reporting, http: httpx.Client):
    @flow
    def inside(x):
        return x + 1

    @flow
    def outside():
        return inside(1)

    assert outside() == 2
    (child,) = runs_of(http, "inside")
    (parent,) = runs_of(http, "outside")
    (stands_for,) = task_runs_of(http, parent)
    assert child["parent_task_run_id"] == stands_for["id"]
    assert stands_for["name"] == "inside-0"
    assert stands_for["state_type"] == "COMPLETED"


def test_a_failure_and_a_crash_are_told(reporting, http: httpx.Client):
    @task
    def broken():
        raise ValueError("on purpose")

    @flow
    def failing():
        broken()

    @flow
    def crashing():
        raise KeyboardInterrupt

    with pytest.raises(ValueError, match="on purpose"):
        failing()
    with pytest.raises(KeyboardInterrupt):
        crashing()
    assert runs_of(http, "failing")[0]["state_type"] == "FAILED"
    assert runs_of(http, "crashing")[0]["state_type"] == "CRASHED"


def test_a_run_is_cancelled_there(reporting, http: httpx.Client):
    entered = threading.Event()

    @flow
    def endless():
        entered.set()
        threading.Event().wait(60)

    def cancel():
        assert entered.wait(20)
        with httpx.Client(base_url=http.base_url) as asking:
            (run,) = runs_of(asking, "endless")
            asking.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": "CANCELLING"}})

    asking = threading.Thread(target=cancel)
    asking.start()
    with pytest.raises(CancelledRun):
        endless()
    asking.join()
    assert runs_of(http, "endless")[0]["state_type"] == "CANCELLED"


def test_what_it_cannot_be_asked_is_said(reporting, http: httpx.Client):
    @flow
    def looked_for():
        pass

    looked_for()
    asked = resolve.backend()
    (run,) = asked.find_flow_runs(
        flow_names=["looked-for"], where=[Condition("state_type", "=", "COMPLETED")]
    )
    assert asked.read_flow_run(run.id).name == run.name
    assert asked.find_task_runs(flow_run_ids=[run.id]) == []
    assert asked.read_flow_run_states(run.id)[-1].name == "Completed"
    with pytest.raises(ObjectNotFound):
        asked.read_task_run(new_id())
    with pytest.raises(StoreError, match="not asked by name like"):
        asked.find_flow_runs(where=[Condition("name", "like", "a%")])


def test_the_events_of_a_row_are_those_of_its_states_that_were_not_sent():
    now = now_us()
    row = TaskRunRecord(
        new_id(), new_id(), 1, "k", "n-1", now, 1, None, None, None, "COMPLETED", "Completed", now + 9, None
    )._replace(start_time=now + 3, end_time=now + 9, run_count=1, detail=json.dumps({"tags": ["t"]}))
    around = Around(row.flow_run_id, "run", new_id(), "flow")
    events = events_of(row, around, 0)
    assert [one["event"] for one in events] == [
        f"prefect.task-run.{name}" for name in ("Pending", "Running", "Completed")
    ]
    assert [one["follows"] for one in events] == [None, events[0]["id"], events[1]["id"]]
    assert events_of(row, around, 2) == events[2:]
    assert [one["payload"]["task_run"]["run_count"] for one in events] == [0, 1, 1]
    roles = [(one["prefect.resource.role"], one["prefect.resource.id"]) for one in events[0]["related"]]
    assert roles[0] == ("tag", "prefect.tag.t")
    assert roles[1] == ("flow-run", f"prefect.flow-run.{UUID(bytes=row.flow_run_id)}")


def command(*words: str) -> str:
    return " ".join(invoke_and_assert(list(words)).output.split())


def test_the_command_line_shows_runs_and_their_children(reporting, http: httpx.Client):
    @task
    def one():
        get_run_logger().info("said in a task")

    @flow(name="inner-cli")
    def inner():
        one()

    @flow(name="outer-cli")
    def outer():
        inner()

    outer()
    (run,), (child,) = runs_of(http, "outer-cli"), runs_of(http, "inner-cli")
    assert run["name"] in command("flow-run", "why", run["id"])
    assert "said in a task" in command("flow-run", "logs", child["id"])
    assert child["name"] in command("flow-run", "inspect", run["id"])
    body = {"flow_id": run["flow_id"], "state": {"type": "SCHEDULED"}}
    waits = http.post("/flow_runs/", json=body).json()["id"]
    command("flow-run", "cancel", waits)
    assert http.get(f"/flow_runs/{waits}").json()["state"]["type"] == "CANCELLED"
    command("flow-run", "delete", waits)
    command("flow-run", "delete", run["id"])
    assert (runs_of(http, "outer-cli"), runs_of(http, "inner-cli")) == ([], [])


def test_as_much_is_read_as_there_is(reporting, http: httpx.Client):
    @task
    def one(n):
        return n

    @flow(name="many-tasks")
    def many():
        one.map(range(230)).wait()

    many()
    (run,) = runs_of(http, "many-tasks")
    key = UUID(run["id"]).bytes
    assert resolve.backend().count_task_runs(key) == {"COMPLETED": 230}
    assert len(resolve.backend().find_task_runs(flow_run_ids=[key], limit=205)) == 205

"""Task runs over HTTP, and through the client with and without a server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from prefect import task
from prefect._backend.protocol import NewFlowRun
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.model.records import StateRecord
from prefect.model.requests.task_runs import (
    TaskRunFilter,
    TaskRunFilterFlowRunId,
    TaskRunFilterName,
    TaskRunSort,
)
from prefect.states import Completed, Running


def make(http, name="one", **more):
    asked = {"name": name, "task_key": "add-1", "dynamic_key": str(uuid4()), **more}
    made = http.post("/task_runs/", json=asked)
    assert made.status_code == 201, made.text
    return made.json()


def move(http, run, state, **more):
    return http.post(f"/task_runs/{run['id']}/set_state", json={"state": {"type": state, **more}})


@pytest.fixture
def flow_run_id(backend):
    """The id of a flow run that is running."""
    state = StateRecord(new_id(), "PENDING", "Pending", now_us())
    run = backend.create_flow_run(NewFlowRun(new_id(), "home", "home-1", state, {}), executes=False)
    backend.propose_flow_run_state(run.id, StateRecord(new_id(), "RUNNING", "Running", now_us()))
    return str(UUID(bytes=run.id))


def test_one_is_made_read_renamed_and_removed(http, flow_run_id):
    source = str(uuid4())
    made = make(
        http,
        flow_run_id=flow_run_id,
        tags=["a"],
        labels={"deep": 1},
        cache_key="k",
        task_version="3",
        empirical_policy={"retries": 2, "retry_delay": [1, 2]},
        task_inputs={"x": [{"input_type": "task_run", "id": source}], "y": []},
    )
    assert (made["state_type"], made["state_name"], made["run_count"]) == ("PENDING", "Pending", 0)
    assert (made["tags"], made["labels"], made["cache_key"], made["task_version"]) == (
        ["a"],
        {"deep": 1},
        "k",
        "3",
    )
    assert (made["empirical_policy"]["retries"], made["empirical_policy"]["retry_delay"]) == (2, [1, 2])
    assert made["task_inputs"] == {"x": [{"input_type": "task_run", "id": source}], "y": []}
    assert made["expected_start_time"] == made["created"] == made["state"]["timestamp"]
    read = http.get(f"/task_runs/{made['id']}").json()
    for changing in ("estimated_start_time_delta",):
        assert read.pop(changing) >= made.pop(changing)
    assert read == made
    assert http.get(f"/ui/task_runs/{made['id']}").json()["flow_run_name"] == "home-1"
    assert http.patch(f"/task_runs/{made['id']}", json={"name": "two"}).status_code == 204
    assert http.get(f"/task_runs/{made['id']}").json()["name"] == "two"
    assert http.delete(f"/task_runs/{made['id']}").status_code == 204
    for method in (http.get, http.delete):
        gone = method(f"/task_runs/{made['id']}")
        assert (gone.status_code, gone.json()) == (404, {"detail": "Task not found"})


def test_of_one_call_there_is_one_run(http, flow_run_id):
    first = make(http, flow_run_id=flow_run_id, dynamic_key="100%_0")
    asked = {"name": "again", "task_key": "add-1", "dynamic_key": "100%_0", "flow_run_id": flow_run_id}
    again = http.post("/task_runs/", json=asked)
    assert (again.status_code, again.json()["id"], again.json()["name"]) == (200, first["id"], "one")
    assert http.post("/task_runs/", json={**asked, "dynamic_key": "100x_0"}).status_code == 201
    assert http.post("/task_runs/", json={**asked, "id": first["id"]}).status_code == 200


def test_states_are_kept_and_found_by_their_ids(http):
    run = make(http)
    for state, more in (("RUNNING", {}), ("COMPLETED", {"message": "well"})):
        answer = move(http, run, state, **more)
        assert (answer.status_code, answer.json()["status"]) == (201, "ACCEPT")
    states = http.get("/task_run_states/", params={"task_run_id": run["id"]}).json()
    assert [(one["name"], one["message"]) for one in states] == [
        ("Pending", None),
        ("Running", None),
        ("Completed", "well"),
    ]
    assert {one["state_details"]["task_run_id"] for one in states} == {run["id"]}
    for state in states:
        assert http.get(f"/task_run_states/{state['id']}").json() == state
    read = http.get(f"/task_runs/{run['id']}").json()
    assert (read["state"], read["state_id"], read["run_count"]) == (states[-1], states[-1]["id"], 1)
    assert (read["start_time"], read["end_time"]) == (states[1]["timestamp"], states[2]["timestamp"])
    assert http.get(f"/task_run_states/{uuid4()}").status_code == 404
    assert http.get("/task_run_states/", params={"task_run_id": str(uuid4())}).json() == []


def test_the_rules_are_asked(http, flow_run_id):
    run = make(http, flow_run_id=str(uuid4()))
    refused = move(http, run, "RUNNING")
    assert (refused.status_code, refused.json()["status"]) == (200, "ABORT")
    assert refused.json()["details"]["type"] == "abort_details"
    assert refused.json()["state"]["type"] == "PENDING"
    assert move(http, {"id": str(uuid4())}, "RUNNING").status_code == 404
    forced = http.post(
        f"/task_runs/{run['id']}/set_state", json={"state": {"type": "RUNNING"}, "force": True}
    )
    assert (forced.status_code, forced.json()["state"]["type"]) == (201, "RUNNING")

    retried = make(http, flow_run_id=flow_run_id, empirical_policy={"retries": 1})
    assert move(http, retried, "RUNNING").json()["status"] == "ACCEPT"
    again = move(http, retried, "FAILED", message="no").json()
    assert (again["status"], again["state"]["name"]) == ("REJECT", "AwaitingRetry")
    assert move(http, retried, "RUNNING").json()["state"]["name"] == "Retrying"
    assert move(http, retried, "FAILED", message="no").json()["state"]["name"] == "Failed"

    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    waits = make(http, state={"type": "SCHEDULED", "state_details": {"scheduled_time": later}})
    assert waits["next_scheduled_start_time"] is not None
    waiting = move(http, waits, "RUNNING").json()
    assert waiting["status"] == "WAIT"
    assert waiting["details"]["delay_seconds"] == pytest.approx(3600, abs=60)


def test_a_result_is_cached_for_others(http):
    key = f"key-{uuid4()}"
    data = {"type": "result", "storage_key": "/results/1", "prefect_version": "3.9.1", "serializer": None}
    first, second, third = make(http), make(http), make(http)
    assert move(http, first, "RUNNING", state_details={"cache_key": key}).json()["status"] == "ACCEPT"
    move(http, first, "COMPLETED", state_details={"cache_key": key}, data=data)
    found = move(http, second, "RUNNING", state_details={"cache_key": key}).json()
    assert (found["status"], found["state"]["name"]) == ("REJECT", "Cached")
    assert found["state"]["data"]["storage_key"] == "/results/1"
    fresh = move(http, third, "RUNNING", state_details={"cache_key": key, "refresh_cache": True}).json()
    assert fresh["status"] == "ACCEPT"


def listed(http, **asked):
    response = http.post("/task_runs/filter", json=asked)
    assert response.status_code == 200, response.text
    return [run["name"] for run in response.json()]


@pytest.fixture
def three(http, flow_run_id):
    """Three runs of one flow run: red has failed, green is running, blue waits; red took longest."""
    runs = {}
    for name, tags in (("red", ["warm"]), ("green", []), ("blue", ["cold", "wet"])):
        runs[name] = make(http, name, flow_run_id=flow_run_id, tags=tags)
    for name, state in (("red", "RUNNING"), ("green", "RUNNING"), ("red", "FAILED")):
        assert move(http, runs[name], state).json()["status"] == "ACCEPT"
    return {"task_runs": {"flow_run_id": {"any_": [flow_run_id]}}}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["blue", "green", "red"]),
        ({"state": {"type": {"any_": ["FAILED", "PENDING"]}}}, ["blue", "red"]),
        ({"state": {"name": {"any_": ["Running"]}}}, ["green"]),
        ({"name": {"like_": "RE"}}, ["green", "red"]),
        ({"tags": {"all_": ["cold"]}}, ["blue"]),
        ({"tags": {"is_null_": True}}, ["green"]),
        ({"end_time": {"is_null_": False}}, ["red"]),
        ({"start_time": {"after_": "2020-01-01T00:00:00Z"}}, ["green", "red"]),
        ({"subflow_runs": {"exists_": True}}, []),
    ],
)
def test_a_filter_finds_them(http, three, asked, names):
    wanted = {"task_runs": {**three["task_runs"], **asked}}
    assert listed(http, **wanted) == names
    assert http.post("/task_runs/count", json=wanted).json() == len(names)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("ID_DESC", ["blue", "green", "red"]),
        ("NAME_ASC", ["blue", "green", "red"]),
        ("NAME_DESC", ["red", "green", "blue"]),
        ("EXPECTED_START_TIME_ASC", ["red", "green", "blue"]),
        ("EXPECTED_START_TIME_DESC", ["blue", "green", "red"]),
        ("END_TIME_DESC", ["red", "blue", "green"]),
        ("DURATION_DESC", ["red", "blue", "green"]),
        ("DURATION_ASC", ["green", "blue", "red"]),
        ("NEXT_SCHEDULED_START_TIME_ASC", ["red", "green", "blue"]),
    ],
)
def test_they_are_sorted(http, three, sort, names):
    found = listed(http, sort=sort, **three)
    if "DURATION" in sort:  # the other two have none yet
        assert set(found) == set(names)
        assert found[0 if sort == "DURATION_DESC" else -1] == "red"
    elif sort == "END_TIME_DESC":
        assert found[0] == "red"
    else:
        assert found == names


def test_flow_runs_are_a_filter_too(http, three, flow_run_id):
    assert listed(http, flow_runs={"name": {"any_": ["home-1"]}}, **three) == ["blue", "green", "red"]
    assert listed(http, flow_runs={"id": {"any_": [str(uuid4())]}}, **three) == []
    assert listed(http, flows={"name": {"any_": ["home"]}}, **three) == ["blue", "green", "red"]


def test_pages_counts_and_charts(http, three):
    page = http.post("/task_runs/paginate", json={**three, "limit": 2, "page": 2}).json()
    assert [run["name"] for run in page.pop("results")] == ["red"]
    assert page == {"count": 3, "limit": 2, "pages": 2, "page": 2}
    counts = http.post("/ui/task_runs/count", json=three).json()
    assert {name: count for name, count in counts.items() if count} == {
        "FAILED": 1,
        "RUNNING": 1,
        "PENDING": 1,
    }

    now = datetime.now(timezone.utc)
    window = {
        "history_start": (now - timedelta(hours=1)).isoformat(),
        "history_end": (now + timedelta(hours=1)).isoformat(),
    }
    history = http.post(
        "/task_runs/history", json={**three, **window, "history_interval_seconds": 3600}
    ).json()
    assert [len(one["states"]) for one in history] == [3, 0]
    states = {one["state_name"]: one for one in history[0]["states"]}
    assert (states["Failed"]["state_type"], states["Failed"]["count_runs"]) == ("FAILED", 1)
    assert states["Running"]["sum_estimated_run_time"] > 0
    short = http.post("/task_runs/history", json={**window, "history_interval_seconds": 0.5})
    assert (short.status_code, short.json()) == (
        422,
        {"detail": "History interval must not be less than 1 second."},
    )

    started = {"start_time": {"after_": window["history_start"], "before_": window["history_end"]}}
    asked = {"task_runs": {**three["task_runs"], **started}}
    dashboard = http.post("/ui/task_runs/dashboard/counts", json=asked).json()
    assert len(dashboard) == 20
    assert [sum(one[kind] for one in dashboard) for kind in ("completed", "failed")] == [0, 1]
    refused = http.post("/ui/task_runs/dashboard/counts", json=three)
    assert (refused.status_code, refused.json()) == (
        422,
        {"detail": "task_runs.start_time.after_ is required"},
    )


@task(retries=2, retry_delay_seconds=3, tags=["sum"])
def add(x, y):
    return x + y


def test_the_client_makes_moves_lists_and_removes(client: SyncPrefectClient):
    flow_run_id = uuid4()
    made = client.create_task_run(add, flow_run_id, "7f3", extra_tags=["more"])
    assert (made.name, made.task_key, made.tags) == ("add-7f3", add.task_key, ["more", "sum"])
    assert (made.empirical_policy.retries, made.empirical_policy.retry_delay) == (2, 3)
    assert client.create_task_run(add, flow_run_id, "7f3").id == made.id
    assert client.read_task_run(made.id).id == made.id
    client.set_task_run_name(made.id, "sum")
    mine = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[flow_run_id]))
    assert [run.name for run in client.read_task_runs(task_run_filter=mine, sort=TaskRunSort.NAME_ASC)] == [
        "sum"
    ]
    assert client.read_task_runs(task_run_filter=TaskRunFilter(name=TaskRunFilterName(any_=["nobody"]))) == []
    assert client.set_task_run_state(made.id, Running()).status == "ABORT"
    assert client.set_task_run_state(made.id, Running(), force=True).status == "ACCEPT"
    answer = client.set_task_run_state(made.id, Completed(message="well"))
    assert (answer.status, answer.state.message) == ("ACCEPT", "well")
    assert [state.name for state in client.read_task_run_states(made.id)] == [
        "Pending",
        "Running",
        "Completed",
    ]
    client.delete_task_run(made.id)
    with pytest.raises(ObjectNotFound):
        client.read_task_run(made.id)

"""Flow runs over HTTP, and through the client with and without a server."""

from __future__ import annotations

import csv
import json
from io import StringIO
from uuid import UUID, uuid4

import pytest

from prefect import flow, get_client, tags, task
from prefect._api.api import Api
from prefect._api.flow_run_graph import read_flow_run_dependencies, read_flow_run_graph
from prefect._api.flow_run_json import written
from prefect._backend.resolve import local_backend
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunFilterId
from prefect.model.runs import FlowRun
from prefect.states import Paused, Running, Scheduled, Suspended

NOBODY = str(uuid4())
FUTURE = "2031-01-01T00:00:00Z"


@flow(name="ours", version="7")
def ours(n: int = 1) -> int:
    return n


@pytest.fixture(scope="module")
def flow_id(http) -> str:
    return http.post("/flows/", json={"name": "probe", "labels": {"team": "a"}}).json()["id"]


@pytest.fixture
def run_id(http, flow_id) -> str:
    """A run that is Pending."""
    return http.post("/flow_runs/", json={"flow_id": flow_id}).json()["id"]


def propose(http, run_id, **state):
    """Propose a state: the status of HTTP, what became of it, the name of the state that the run is in now."""
    force = state.pop("force", False)
    answer = http.post(f"/flow_runs/{run_id}/set_state", json={"state": state, "force": force})
    found = answer.json()
    assert found["details"]["type"] == f"{found['status'].lower()}_details"
    return answer.status_code, found["status"], found["state"]["name"]


# --- made -------------------------------------------------------------------------------------------

FIELDS = set(
    "id created updated name flow_id state_id deployment_id deployment_version work_queue_id work_queue_name "
    "flow_version parameters idempotency_key context empirical_policy tags labels parent_task_run_id state_type "
    "state_name run_count expected_start_time next_scheduled_start_time start_time end_time total_run_time "
    "estimated_run_time estimated_start_time_delta auto_scheduled infrastructure_document_id infrastructure_pid "
    "created_by work_pool_id work_pool_name state job_variables".split()
)
STATE_FIELDS = {"id", "type", "name", "timestamp", "message", "data", "state_details"}


def test_a_run_has_every_field(http, flow_id):
    asked = {
        "flow_id": flow_id,
        "name": "merry",
        "parameters": {"a": [1, "ü"]},
        "context": {"c": 1},
        "tags": ["t"],
        "labels": {"own": 1},
        "flow_version": "v",
        "empirical_policy": {"retries": 2, "retry_delay": 3},
        "job_variables": {"cpu": 1},
        "state": {"type": "SCHEDULED", "message": "soon", "state_details": {"scheduled_time": FUTURE}},
    }
    answer = http.post("/flow_runs/", json=asked)
    made = answer.json()
    assert answer.status_code == 201
    assert made.keys() == FIELDS
    assert made["state"].keys() == STATE_FIELDS
    for name in ("name", "parameters", "context", "tags", "flow_version", "job_variables"):
        assert made[name] == asked[name]
    assert made["labels"] == {"team": "a", "prefect.flow.id": flow_id, "own": 1}
    policy = made["empirical_policy"]
    assert (policy["retries"], policy["retry_delay"], policy["pause_keys"]) == (2, 3, [])
    assert made["state"]["state_details"]["flow_run_id"] == made["id"]
    assert made["state"]["state_details"]["scheduled_time"] == FUTURE
    assert (made["expected_start_time"], made["next_scheduled_start_time"]) == (FUTURE, FUTURE)
    assert http.get(f"/flow_runs/{made['id']}").json() == made
    assert http.post("/flow_runs/filter", json={"flow_runs": {"id": {"any_": [made["id"]]}}}).json() == [made]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, ("Pending", 0, False, False)),
        ({"type": "SCHEDULED"}, ("Scheduled", 0, False, False)),
        ({"type": "RUNNING"}, ("Running", 1, True, False)),
        ({"type": "COMPLETED", "name": "Skipped"}, ("Skipped", 0, True, True)),
    ],
)
def test_a_run_begins_in_any_state(http, flow_id, state, expected):
    made = http.post("/flow_runs/", json={"flow_id": flow_id, "state": state}).json()
    found = (made["state_name"], made["run_count"], bool(made["start_time"]), bool(made["end_time"]))
    assert found == expected
    assert made["expected_start_time"] is not None
    assert made["name"].count("-") == 1  # a random one


def test_an_idempotency_key_gives_the_same_run(http, flow_id):
    asked = {"flow_id": flow_id, "idempotency_key": "once", "parameters": {"n": 1}}
    first = http.post("/flow_runs/", json=asked)
    again = http.post("/flow_runs/", json={**asked, "parameters": {"n": 2}})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["parameters"] == {"n": 1}
    other = http.post("/flows/", json={"name": "other"}).json()["id"]
    assert http.post("/flow_runs/", json={**asked, "flow_id": other}).status_code == 201


def test_what_cannot_be_made_is_refused(http, flow_id):
    def refused(**asked):
        answer = http.post("/flow_runs/", json={"flow_id": flow_id, **asked})
        return answer.status_code, answer.json().get("detail")

    assert refused(flow_id=NOBODY) == (404, "Flow not found")
    assert refused(work_pool_name="none") == (404, 'Work pool "none" not found.')
    assert refused(colour="red")[0] == 422
    status, detail = refused(parameters={"text": "x" * 600_000})
    assert status == 422
    assert "must be less than 524,288 bytes" in detail


def test_json_made_from_records_is_what_the_model_says(http, backend, flow_id):
    http.post(
        "/flow_runs/", json={"flow_id": flow_id, "tags": ['"', "\u2028ü"], "job_variables": {"a": None}}
    )
    run_id = http.post("/flow_runs/", json={"flow_id": flow_id, "empirical_policy": {"retries": 1}}).json()[
        "id"
    ]
    propose(http, run_id, type="RUNNING", message='say "hi"\n')
    propose(http, run_id, type="COMPLETED", data={"storage_key": "k", "serializer": {"type": "json"}})
    for record in backend.find_flow_runs(limit=None):
        fast = json.loads(written(record))
        model = json.loads(FlowRun.from_record(record).model_dump_json())
        for name in ("created", "updated"):
            del model["state"][name]  # only our own client knows these
        model["state"]["state_details"]["deferred"] = fast["state"]["state_details"]["deferred"]
        for name in ("estimated_run_time", "estimated_start_time_delta"):
            assert fast.pop(name) == pytest.approx(model.pop(name), abs=5)  # they grow from moment to moment
        assert fast == model


# --- changed ----------------------------------------------------------------------------------------


def test_a_run_is_changed(http, run_id):
    changes = {
        "name": "other",
        "tags": ["x", "y"],
        "infrastructure_pid": "host:1",
        "parameters": {"z": 1},
        "empirical_policy": {"retries": 5},
        "flow_version": "w",
        "job_variables": {"r": 1},
    }
    assert http.patch(f"/flow_runs/{run_id}", json=changes).status_code == 204
    assert http.patch(f"/flow_runs/{run_id}", json={}).status_code == 204
    after = http.get(f"/flow_runs/{run_id}").json()
    for name in ("name", "tags", "infrastructure_pid", "parameters", "flow_version", "job_variables"):
        assert after[name] == changes[name]
    assert after["empirical_policy"]["retries"] == 5
    tagged = {"flow_runs": {"id": {"any_": [run_id]}, "tags": {"all_": ["x", "y"]}}}
    assert http.post("/flow_runs/count", json=tagged).json() == 1
    http.patch(f"/flow_runs/{run_id}", json={"tags": ["y"]})
    assert http.post("/flow_runs/count", json=tagged).json() == 0
    assert http.patch(f"/flow_runs/{run_id}/labels", json={"k": "v", "team": "b"}).status_code == 204
    labels = http.get(f"/flow_runs/{run_id}").json()["labels"]
    assert (labels["k"], labels["team"]) == ("v", "b")


def test_what_a_patch_cannot_do_is_refused(http, run_id):
    assert http.patch(f"/flow_runs/{NOBODY}", json={"name": "x"}).status_code == 404
    assert http.patch(f"/flow_runs/{NOBODY}/labels", json={}).status_code == 404
    assert http.patch(f"/flow_runs/{run_id}", json={"state": {}}).status_code == 422
    assert http.patch(f"/flow_runs/{run_id}", json={"parameters": {"a": "x" * 600_000}}).status_code == 422


def test_a_run_is_removed_with_what_belongs_to_it(http, backend, flow_id):
    run_id = http.post("/flow_runs/", json={"flow_id": flow_id, "tags": ["gone"]}).json()["id"]
    http.post(f"/flow_runs/{run_id}/input", json={"key": "k", "value": "1"})
    assert http.delete(f"/flow_runs/{run_id}").status_code == 204
    assert http.delete(f"/flow_runs/{run_id}").json() == {"detail": "Flow run not found"}
    key = UUID(run_id).bytes
    for table in ("flow_run_state", "flow_run_tag", "flow_run_input"):
        assert backend.store.rows(f"SELECT 1 FROM {table} WHERE flow_run_id = ?", (key,)) == []


# --- states -----------------------------------------------------------------------------------------


def test_a_run_moves_on_by_the_rules(http, run_id):
    assert propose(http, run_id, type="RUNNING") == (201, "ACCEPT", "Running")
    assert propose(http, run_id, type="SCHEDULED", name="Late") == (200, "REJECT", "Running")
    assert propose(http, run_id, type="PENDING") == (200, "ABORT", "Running")
    assert propose(http, run_id, type="COMPLETED", data={"storage_key": "k"}) == (201, "ACCEPT", "Completed")
    assert propose(http, run_id, type="RUNNING") == (200, "REJECT", "Completed")
    run = http.get(f"/flow_runs/{run_id}").json()
    assert run["state"]["data"]["storage_key"] == "k"
    assert (run["run_count"], run["total_run_time"] > 0, bool(run["end_time"])) == (1, True, True)


def test_a_run_waits_for_its_time(http, flow_id):
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": FUTURE}}
    run_id = http.post("/flow_runs/", json={"flow_id": flow_id, "state": state}).json()["id"]
    answer = http.post(f"/flow_runs/{run_id}/set_state", json={"state": {"type": "RUNNING"}})
    details = answer.json()["details"]
    assert (answer.status_code, answer.json()["status"]) == (200, "WAIT")
    assert isinstance(details["delay_seconds"], int)
    assert details["delay_seconds"] > 0
    assert propose(http, run_id, type="RUNNING", force=True) == (201, "ACCEPT", "Running")


def test_a_state_that_rules_put_in_place_of_another_was_written(http, flow_id):
    asked = {"flow_id": flow_id, "empirical_policy": {"retries": 1, "retry_delay": 0}}
    run_id = http.post("/flow_runs/", json=asked).json()["id"]
    propose(http, run_id, type="RUNNING")
    assert propose(http, run_id, type="FAILED", message="once") == (201, "REJECT", "AwaitingRetry")


@pytest.mark.parametrize("data", [None, {"type": "unpersisted"}, {"any": [1]}, "text", 0])
def test_the_data_of_a_state_comes_back(http, run_id, data):
    propose(http, run_id, type="COMPLETED", data=data)
    expected = None if data == {"type": "unpersisted"} else data
    assert http.get(f"/flow_runs/{run_id}").json()["state"]["data"] == expected
    (_, last) = http.get("/flow_run_states/", params={"flow_run_id": run_id}).json()
    assert last["data"] == expected


def test_what_is_no_state_is_refused(http, run_id):
    assert http.post(f"/flow_runs/{run_id}/set_state", json={}).status_code == 422
    for state in (
        {"type": "NOPE"},
        {"type": "RUNNING", "when": 1},
        {"type": "FAILED", "data": {"storage_key": 1}},
    ):
        assert http.post(f"/flow_runs/{run_id}/set_state", json={"state": state}).status_code == 422
    missing = http.post(f"/flow_runs/{NOBODY}/set_state", json={"state": {"type": "RUNNING"}})
    assert (missing.status_code, missing.json()) == (404, {"detail": "Flow run not found"})


def test_the_states_of_a_run_are_kept(http, run_id):
    propose(http, run_id, type="RUNNING", message="go")
    states = http.get("/flow_run_states/", params={"flow_run_id": run_id}).json()
    assert [(one["name"], one["message"]) for one in states] == [("Pending", None), ("Running", "go")]
    assert http.get(f"/flow_run_states/{states[0]['id']}").json() == states[0]
    assert http.get(f"/flow_run_states/{NOBODY}").json() == {"detail": "Flow run state not found"}
    assert http.get("/flow_run_states/", params={"flow_run_id": NOBODY}).json() == []


def test_many_runs_are_moved_and_removed_at_once(http, flow_id):
    ids = [
        http.post("/flow_runs/", json={"flow_id": flow_id, "name": "crowd"}).json()["id"] for _ in range(3)
    ]
    mine = {"flow_runs": {"name": {"any_": ["crowd"]}}}
    moved = http.post("/flow_runs/bulk_set_state", json={**mine, "state": {"type": "CANCELLED"}, "limit": 2})
    assert moved.status_code == 200
    assert [(one["flow_run_id"], one["status"]) for one in moved.json()["results"]] == [
        (ids[2], "ACCEPT"),
        (ids[1], "ACCEPT"),
    ]
    deleted = http.post("/flow_runs/bulk_delete", json=mine).json()["deleted"]
    assert sorted(deleted) == sorted(ids)
    assert http.post("/flow_runs/bulk_delete", json={"limit": 51}).status_code == 422


# --- pauses and inputs ------------------------------------------------------------------------------


def paused(http, run_id, **details):
    propose(http, run_id, type="RUNNING")
    keys = {"pause_timeout": FUTURE, "pause_key": "1", **details}
    assert propose(http, run_id, type="PAUSED", state_details=keys) == (201, "ACCEPT", "Paused")


def test_a_paused_run_goes_on(http, run_id):
    paused(http, run_id)
    answer = http.post(f"/flow_runs/{run_id}/resume")
    assert (answer.status_code, answer.json()["state"]["name"]) == (201, "Running")
    again = http.post(f"/flow_runs/{run_id}/resume").json()
    assert again == {
        "state": None,
        "status": "ABORT",
        "details": {
            "type": "abort_details",
            "reason": "Cannot resume a flow run that is not paused.",
        },
    }
    assert http.post(f"/flow_runs/{NOBODY}/resume").status_code == 404


def test_a_paused_run_goes_on_with_the_input_that_fits(http, run_id):
    schema = {"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]}
    paused(http, run_id, run_input_keyset={"schema": "p-schema", "response": "p-response"})
    http.post(f"/flow_runs/{run_id}/input", json={"key": "p-schema", "value": json.dumps(schema)})
    for wrong in ({}, {"run_input": {"value": "text"}}):
        answer = http.post(f"/flow_runs/{run_id}/resume", json=wrong)
        assert (answer.status_code, answer.json()["status"]) == (200, "REJECT")
        assert "Validation failed" in answer.json()["details"]["reason"]
        assert answer.json()["state"]["name"] == "Paused"
    assert http.post(f"/flow_runs/{run_id}/resume", json={"run_input": {"value": 3}}).status_code == 201
    response = http.get(f"/flow_runs/{run_id}/input/p-response")
    assert (response.text, response.headers["content-type"]) == ('{"value":3}', "text/plain; charset=utf-8")


def test_inputs_are_sent_looked_for_and_forgotten(http, run_id):
    def send(key, value="1", **more):
        return http.post(f"/flow_runs/{run_id}/input", json={"key": key, "value": value, **more})

    answer = send("s-a", '{"x": 1}', sender="me")
    assert (answer.status_code, answer.json()) == (201, None)
    assert send("s-a").json() == {"detail": "A flow run input with this key already exists."}
    assert send("s_b").status_code == send("t-c").status_code == 201
    assert send("a/b").status_code == 422
    asked = {"prefix": "s", "limit": 10, "exclude_keys": ["s_b"]}
    (found,) = http.post(f"/flow_runs/{run_id}/input/filter", json=asked).json()
    assert (found["key"], found["value"], found["sender"], found["flow_run_id"]) == (
        "s-a",
        '{"x": 1}',
        "me",
        run_id,
    )
    assert len(http.post(f"/flow_runs/{run_id}/input/filter", json={"prefix": "s"}).json()) == 1
    assert http.delete(f"/flow_runs/{run_id}/input/s-a").status_code == 204
    for method in ("GET", "DELETE"):
        answer = http.request(method, f"/flow_runs/{run_id}/input/s-a")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Flow run input not found"})
    assert http.post(f"/flow_runs/{NOBODY}/input", json={"key": "k", "value": "1"}).status_code == 404


# --- what a run has run -----------------------------------------------------------------------------


@task
def load() -> int:
    return 1


@task
def inner() -> int:
    return 2


@task
def use(x: int) -> int:
    return inner() + x


@flow
def below(n: int) -> int:
    return n


@flow
def whole() -> int:
    loaded = load.submit()
    use(loaded)
    return below(1)


def test_the_graph_of_a_run():
    state = whole(return_state=True)
    with get_client(sync_client=True) as asking:
        run_id = state.state_details.flow_run_id
        run = asking.read_flow_run(run_id)
        states = asking.read_flow_run_states(run_id)
    api = Api(local_backend())
    graph = read_flow_run_graph(api, id=run_id)
    nodes = {node.label.split("-")[0].split(" / ")[0]: node for _, node in graph.nodes}
    assert [node.kind for _, node in graph.nodes] == ["task-run", "task-run", "task-run", "flow-run"]
    assert [edge.id for edge in nodes["use"].parents] == [nodes["load"].id]
    assert nodes["use"].id in [edge.id for edge in nodes["load"].children]
    assert [edge.id for edge in nodes["inner"].encapsulating] == [nodes["use"].id]
    assert nodes["inner"].id in graph.root_node_ids
    assert nodes["use"].id not in graph.root_node_ids
    assert (graph.start_time, graph.end_time) == (run.start_time, run.end_time)
    assert [one.id for one in graph.states] == [one.id for one in states]
    assert read_flow_run_graph(api, id=run_id, since=run.end_time).nodes == []
    dependent = {one.name.split("-")[0]: one for one in read_flow_run_dependencies(api, id=run_id)}
    assert [one.id for one in dependent["use"].upstream_dependencies] == [nodes["load"].id]


def test_the_log_of_a_run_is_a_file(http, run_id):
    lines = [
        {
            "name": "a",
            "level": 20,
            "message": 'hello, "w"\nline 2',
            "timestamp": "2030-01-01T00:00:00Z",
            "flow_run_id": run_id,
        },
        {
            "name": "a",
            "level": 40,
            "message": "err",
            "timestamp": "2030-01-01T00:00:01Z",
            "flow_run_id": run_id,
        },
    ]
    assert http.post("/logs/", json=lines).status_code == 201
    answer = http.get(f"/flow_runs/{run_id}/logs/download")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "-logs.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [row["message"] for row in rows] == ['hello, "w"\nline 2', "err"]
    assert (rows[0]["timestamp"], rows[0]["level"], rows[0]["flow_run_id"], rows[0]["task_run_id"]) == (
        "2030-01-01 00:00:00+00:00",
        "20",
        run_id,
        "",
    )
    for path in ("logs/download", "graph-v2", "graph"):
        assert http.get(f"/flow_runs/{NOBODY}/{path}").status_code == 404


def test_a_long_log_is_sent_as_it_is_read(http, run_id):
    line = {"name": "a", "level": 20, "timestamp": "2031-01-01T00:00:00Z", "flow_run_id": run_id}
    for first in (0, 1000):
        http.post("/logs/", json=[{**line, "message": f"long {first + i}"} for i in range(1000)])
    with http.stream("GET", f"/flow_runs/{run_id}/logs/download") as answer:
        assert "content-length" not in answer.headers
        text = answer.read().decode()
    messages = [row["message"] for row in csv.DictReader(StringIO(text, newline=""))]
    assert {one for one in messages if one.startswith("long")} == {f"long {i}" for i in range(2000)}
    assert len(messages) == len(set(messages))


def test_charts_of_runs(http, run_id):
    (point,) = http.post("/ui/flow_runs/history", json={"flow_runs": {"id": {"any_": [run_id]}}}).json()
    assert point.keys() == {"id", "state_type", "timestamp", "duration", "lateness"}
    assert http.post("/ui/flow_runs/history", json={"limit": 1001}).status_code == 422
    counts = http.post("/ui/flow_runs/count-task-runs", json={"flow_run_ids": [run_id, NOBODY]}).json()
    assert counts == {run_id: 0, NOBODY: 0}
    span = {"history_start": "2020-01-01T00:00:00Z", "history_end": "2030-01-01T00:00:00Z"}
    for seconds in (0.5, 1):  # too short, and too many of them
        answer = http.post("/flow_runs/history", json={**span, "history_interval_seconds": seconds})
        assert answer.status_code == 422
    assert http.post("/flow_runs/lateness").json() >= 0


# --- the client -------------------------------------------------------------------------------------


def test_the_client_makes_reads_changes_and_removes(client: SyncPrefectClient):
    made = client.create_flow_run(
        ours, name="mine", parameters={"n": 2}, tags=["b", "a", "b"], state=Scheduled(), context={"c": 1}
    )
    assert (made.name, made.parameters, made.tags, made.flow_version) == ("mine", {"n": 2}, ["b", "a"], "7")
    assert made.state.is_scheduled()
    assert client.read_flow_run(made.id).context == {"c": 1}
    client.update_flow_run(made.id, tags=["c"], parameters={"n": 3}, infrastructure_pid="pid")
    client.set_flow_run_name(made.id, "other")
    client.update_flow_run_labels(made.id, {"k": 1})
    changed = client.read_flow_run(made.id)
    assert (changed.name, changed.tags, changed.parameters) == ("other", ["c"], {"n": 3})
    assert (changed.infrastructure_pid, changed.labels["k"]) == ("pid", 1)
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[made.id]))
    assert client.read_flow_runs(flow_run_filter=mine) == [changed]
    assert client.count_flow_runs(flow_run_filter=mine) == 1
    client.delete_flow_run(made.id)
    with pytest.raises(ObjectNotFound):
        client.read_flow_run(made.id)
    with pytest.raises(ObjectNotFound):
        client.delete_flow_run(made.id)


def test_the_client_moves_a_run_on(client: SyncPrefectClient):
    made = client.create_flow_run(ours)
    answer = client.set_flow_run_state(str(made.id), Running(message="go"))
    assert (answer.status, answer.details.type) == (SetStateStatus.ACCEPT, "accept_details")
    assert answer.state.state_details.flow_run_id == made.id
    assert client.read_flow_run_state(answer.state.id) == answer.state
    assert [one.name for one in client.read_flow_run_states(made.id)] == ["Pending", "Running"]
    assert (
        client.set_flow_run_state(made.id, Suspended()).status == SetStateStatus.ABORT
    )  # it has no deployment
    assert client.set_flow_run_state(made.id, Paused(timeout_seconds=60)).status == SetStateStatus.ACCEPT
    assert client.resume_flow_run(made.id).state.is_running()
    assert client.resume_flow_run(made.id).state is None


def test_the_client_sends_inputs(client: SyncPrefectClient):
    run_id = client.create_flow_run(ours).id
    client.create_flow_run_input(run_id, "k-1", '"x"', sender="me")
    with pytest.raises(ObjectAlreadyExists):
        client.create_flow_run_input(run_id, "k-1", "2")
    assert client.read_flow_run_input(run_id, "k-1") == '"x"'
    (found,) = client.filter_flow_run_input(run_id, "k", 5, set())
    assert (found.decoded_value, found.sender) == ("x", "me")
    assert client.filter_flow_run_input(run_id, "k", 5, {"k-1"}) == []
    client.delete_flow_run_input(run_id, "k-1")
    with pytest.raises(ObjectNotFound):
        client.read_flow_run_input(run_id, "k-1")


def test_what_a_flow_has_run_here_is_read_by_get_client():
    state = ours(2, return_state=True)
    with get_client(sync_client=True) as asking:
        run = asking.read_flow_run(state.state_details.flow_run_id)
    assert (run.state_name, run.parameters, run.run_count) == ("Completed", {"n": 2}, 1)


def test_the_tags_of_runs_made_by_the_engine_are_found():
    with get_client(sync_client=True) as asking:
        with tags("nightly-of-ours"):
            state = ours(return_state=True)
        found = asking.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate({"tags": {"all_": ["nightly-of-ours"]}})
        )
    assert [one.id for one in found] == [state.state_details.flow_run_id]

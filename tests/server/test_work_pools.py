"""Work pools, queues and workers over HTTP, and through the client with and without a server."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from prefect._backend.foreman import foreman_once
from prefect._base.clock import UTC, now_us
from prefect._storage import flow_runs
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.work_pool_actions import WorkPoolCreate, WorkPoolUpdate
from prefect.states import Pending

STORES = ["sqlite", "postgres"]

TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "env": {"A": "{{ prefect.variables.a }}"}},
    "variables": {"type": "object", "properties": {"command": {"type": "string"}}},
}


@pytest.fixture
def pool(http) -> str:
    """A pool with the queues `default`, `one` and `two`, in this order."""
    name = f"pool-{uuid4()}"
    assert http.post("/work_pools/", json={"name": name, "type": "process"}).status_code == 201
    for queue in ("one", "two"):
        assert http.post(f"/work_pools/{name}/queues", json={"name": queue}).status_code == 201
    return name


@pytest.fixture
def run_in(http, backend, pool):
    """Asks for a run in a queue of the pool; its id."""
    with backend.store.write() as cx:
        flow_id = str(UUID(bytes=flow_runs.flow_id_of(cx, "etl", now_us())))
    asked = {"name": f"d-{uuid4()}", "flow_id": flow_id, "work_pool_name": pool}
    deployment = http.post("/deployments/", json=asked).json()

    def ask(queue: str, name: str, *, minutes: int = 0) -> str:
        time = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": time}}
        body = {"work_queue_name": queue, "name": name, "state": state}
        answer = http.post(f"/deployments/{deployment['id']}/create_flow_run", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return ask


def priorities(http, pool) -> dict[str, int]:
    found = http.post(f"/work_pools/{pool}/queues/filter", json={}).json()
    return {queue["name"]: queue["priority"] for queue in found}


def polled(http, pool, **asked) -> list[str]:
    found = http.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json=asked)
    assert found.status_code == 200, found.text
    return [one["flow_run"]["name"] for one in found.json()]


def pending(backend, run_id: str) -> None:
    answer = backend.propose_flow_run_state(UUID(run_id).bytes, Pending().to_record())
    assert answer.status == "ACCEPT"


def test_a_pool_is_made_read_changed_and_removed(http):
    asked = {"name": "mill", "type": "process", "base_job_template": TEMPLATE, "concurrency_limit": 2}
    made = http.post("/work_pools/", json=asked)
    assert (made.status_code, made.json()["status"], made.json()["active_slots"]) == (201, "NOT_READY", 0)
    assert made.json()["storage_configuration"]["bundle_upload_step"] is None
    queue = http.get("/work_pools/mill/queues/default").json()
    assert (queue["id"], queue["priority"]) == (made.json()["default_queue_id"], 1)
    assert http.post("/work_pools/", json=asked).status_code == 409
    change = {"is_paused": True, "description": "d", "concurrency_limit": None}
    assert http.patch("/work_pools/mill", json=change).status_code == 204
    read = http.get("/work_pools/mill").json()
    assert (read["status"], read["description"], read["active_slots"]) == ("PAUSED", "d", None)
    assert read["base_job_template"] == TEMPLATE
    http.patch("/work_pools/mill", json={"is_paused": False})
    assert http.get("/work_pools/mill").json()["status"] == "NOT_READY"
    assert http.delete("/work_pools/mill").status_code == 204
    missing = http.get("/work_pools/mill")
    assert (missing.status_code, missing.json()) == (404, {"detail": 'Work pool "mill" not found.'})
    assert http.delete("/work_pools/mill").status_code == 404
    assert http.patch("/work_pools/mill", json={}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"name": "prefect-mine"}, 403),
        ({"name": "a/b"}, 422),
        ({"name": "x", "concurrency_limit": -1}, 422),
        ({"name": "x", "base_job_template": {"variables": {}}}, 422),
        ({"name": "x", "base_job_template": {**TEMPLATE, "variables": {"properties": {}}}}, 422),
    ],
)
def test_a_pool_that_cannot_be_is_refused(http, asked, status):
    assert http.post("/work_pools/", json=asked).status_code == status
    assert http.get("/work_pools/x").status_code == 404


def test_pools_are_filtered_and_counted(http, pool):
    asked = {"work_pools": {"name": {"any_": [pool, "nobody"]}}}
    assert [one["name"] for one in http.post("/work_pools/filter", json=asked).json()] == [pool]
    assert http.post("/work_pools/count", json=asked).json() == 1
    assert http.post("/work_pools/count").json() >= 1
    assert http.post("/work_pools/filter", json={"work_pools": {"type": {"any_": ["k8s"]}}}).json() == []


def test_queues_have_priorities_of_their_own(http, pool):
    path = f"/work_pools/{pool}/queues"
    assert priorities(http, pool) == {"default": 1, "one": 2, "two": 3}
    first = http.post(path, json={"name": "first", "priority": 1, "concurrency_limit": 4})
    assert (first.status_code, first.json()["work_pool_name"], first.json()["active_slots"]) == (201, pool, 0)
    assert priorities(http, pool) == {"first": 1, "default": 2, "one": 3, "two": 4}
    assert http.patch(f"{path}/two", json={"priority": 1}).status_code == 204
    assert list(priorities(http, pool)) == ["two", "first", "default", "one"]
    assert len(set(priorities(http, pool).values())) == 4


def test_a_queue_is_changed_and_removed(http, pool):
    path = f"/work_pools/{pool}/queues"
    assert http.post(path, json={"name": "one"}).status_code == 409
    assert http.patch(f"{path}/one", json={"name": "two"}).status_code == 409
    assert http.patch(f"{path}/one", json={"is_paused": True, "description": "d"}).status_code == 204
    read = http.get(f"{path}/one").json()
    assert (read["status"], read["description"], read["priority"]) == ("PAUSED", "d", 2)
    assert http.get(f"/work_queues/{read['id']}").json() == read
    assert http.patch(f"/work_queues/{read['id']}", json={"is_paused": False}).status_code == 204
    assert http.get(f"{path}/one").json()["status"] == "NOT_READY"
    assert http.delete(f"{path}/one").status_code == 204
    assert http.get(f"{path}/one").json() == {"detail": f"Work pool queue '{pool}/one' not found."}
    assert http.get(f"/work_queues/{read['id']}").json() == {"detail": "work queue not found"}
    refused = http.delete(f"{path}/default")
    assert (refused.status_code, "Delete the work pool" in refused.json()["detail"]) == (409, True)
    assert http.post("/work_pools/nowhere/queues", json={"name": "q"}).status_code == 404
    assert http.post(path, json={"name": "q", "priority": 0}).status_code == 422


def test_a_queue_without_a_pool_is_in_the_default_one(http):
    made = http.post("/work_queues/", json={"name": "alone"})
    assert (made.status_code, made.json()["work_pool_name"]) == (201, "default-agent-pool")
    assert http.get("/work_queues/name/alone").json() == made.json()
    assert http.post("/work_queues/", json={"name": "alone"}).status_code == 409
    asked = {"work_queues": {"name": {"startswith_": ["alo"]}}}
    assert [one["name"] for one in http.post("/work_queues/filter", json=asked).json()] == ["alone"]
    assert http.get("/work_pools/default-agent-pool").json()["status"] is None
    assert http.delete(f"/work_queues/{made.json()['id']}").status_code == 204
    assert http.get("/work_queues/name/alone").status_code == 404


def test_runs_come_by_priority_and_then_by_time(http, pool, run_in):
    for queue, name, minutes in (("two", "c", -9), ("one", "b", -1), ("one", "a", -5), ("two", "later", 60)):
        run_in(queue, name, minutes=minutes)
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert polled(http, pool) == ["a", "b", "c", "later"]
    assert polled(http, pool, scheduled_before=soon) == ["a", "b", "c"]
    assert polled(http, pool, scheduled_after=soon) == ["later"]
    assert polled(http, pool, limit=2) == ["a", "b"]
    assert polled(http, pool, work_queue_names=["two"]) == ["c", "later"]
    unknown = {"work_queue_names": ["nobody"]}
    assert http.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json=unknown).status_code == 404
    found = http.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json={"limit": 1}).json()[0]
    run = found["flow_run"]
    assert (run["work_pool_name"], run["work_queue_name"]) == (pool, "one")
    assert (run["work_queue_id"], run["work_pool_id"]) == (found["work_queue_id"], found["work_pool_id"])


def test_a_queue_is_made_for_who_names_it(http, pool, run_in):
    run_in("new", "a")
    assert priorities(http, pool)["new"] == 4
    assert polled(http, pool, work_queue_names=["new"]) == ["a"]


def test_what_is_paused_gives_nothing(http, pool, run_in):
    run_in("one", "a")
    run_in("two", "b")
    http.patch(f"/work_pools/{pool}/queues/one", json={"is_paused": True})
    assert polled(http, pool) == ["b"]
    assert polled(http, pool, work_queue_names=["one"]) == []
    http.patch(f"/work_pools/{pool}", json={"is_paused": True})
    assert polled(http, pool) == []
    http.patch(f"/work_pools/{pool}", json={"is_paused": False})
    assert polled(http, pool) == ["b"]


def test_limits_leave_room_for_what_runs_already(http, pool, run_in, backend):
    runs = [run_in("one", f"a{number}") for number in range(3)]
    run_in("two", "b")
    http.patch(f"/work_pools/{pool}/queues/one", json={"concurrency_limit": 2})
    assert polled(http, pool) == ["a0", "a1", "b"]
    pending(backend, runs[0])
    assert polled(http, pool) == ["a1", "b"]
    http.patch(f"/work_pools/{pool}", json={"concurrency_limit": 2})
    assert polled(http, pool) == ["a1"]
    pending(backend, runs[1])
    assert polled(http, pool) == []
    assert http.get(f"/work_pools/{pool}").json()["active_slots"] == 2
    queue = http.get(f"/work_pools/{pool}/queues/one").json()
    assert queue["active_slots"] == 2
    status = http.post(f"/work_pools/{pool}/concurrency_status", json={"flow_run_limit": 1}).json()
    assert (status["active_slots"], status["concurrency_limit"], status["count"]) == (2, 2, 3)
    one = next(detail for detail in status["queues"] if detail["queue_name"] == "one")
    assert (one["active_slots"], one["flow_run_count"]) == (2, 2)
    assert [(run["id"], run["state_name"]) for run in one["flow_runs"]] == [(runs[0], "Pending")]
    alone = http.post(f"/work_queues/{queue['id']}/concurrency_status", json={"limit": 1, "page": 2}).json()
    assert ([run["id"] for run in alone["flow_runs"]], alone["pages"]) == ([runs[1]], 2)
    assert http.post(f"/work_queues/{queue['id']}/get_runs", json={}).json() == []


def test_a_queue_that_is_polled_is_ready_until_nobody_does(http, pool, run_in, backend):
    run_in("one", "a")
    polled(http, pool, work_queue_names=["one"])
    queue = http.get(f"/work_pools/{pool}/queues/one").json()
    assert (queue["status"], queue["last_polled"] is not None) == ("READY", True)
    assert http.get(f"/work_pools/{pool}/queues/two").json()["status"] == "NOT_READY"
    health = http.get(f"/work_queues/{queue['id']}/status").json()
    assert (health["healthy"], health["late_runs_count"]) == (True, 0)
    assert foreman_once(backend, now_us() + 30 * 1_000_000) == 0
    assert foreman_once(backend, now_us() + 61 * 1_000_000) >= 1
    assert http.get(f"/work_pools/{pool}/queues/one").json()["status"] == "NOT_READY"


def test_a_worker_is_online_as_long_as_it_says_so(http, pool, backend):
    path = f"/work_pools/{pool}/workers"
    beat = {"name": "w", "heartbeat_interval_seconds": 10}
    assert http.post(f"{path}/heartbeat", json=beat).status_code == 204
    assert http.post(f"{path}/heartbeat", json=beat).status_code == 204
    (worker,) = http.post(f"{path}/filter", json={}).json()
    assert (worker["name"], worker["status"], worker["heartbeat_interval_seconds"]) == ("w", "ONLINE", 10)
    assert http.get(f"/work_pools/{pool}").json()["status"] == "READY"
    foreman_once(backend, now_us() + 29 * 1_000_000)
    assert http.get(f"/work_pools/{pool}").json()["status"] == "READY"
    foreman_once(backend, now_us() + 31 * 1_000_000)
    assert http.get(f"/work_pools/{pool}").json()["status"] == "NOT_READY"
    offline = {"workers": {"status": {"any_": ["OFFLINE"]}}}
    assert [one["name"] for one in http.post(f"{path}/filter", json=offline).json()] == ["w"]
    since = {"workers": {"last_heartbeat_time": {"after_": datetime.now(UTC).isoformat()}}}
    assert http.post(f"{path}/filter", json=since).json() == []
    assert http.delete(f"{path}/w").status_code == 204
    assert http.delete(f"{path}/w").json() == {"detail": "Worker not found."}
    assert http.post("/work_pools/nowhere/workers/heartbeat", json=beat).status_code == 404


def test_without_its_pool_a_deployment_stays_and_has_no_queue(http, pool, run_in):
    run_id = run_in("one", "a")
    asked = {"work_pools": {"name": {"any_": [pool]}}}
    (deployment,) = http.post("/deployments/filter", json=asked).json()
    assert deployment["work_queue_name"] == "default"
    check = http.get(f"/deployments/{deployment['id']}/work_queue_check").json()
    assert [queue["name"] for queue in check] == ["default"]
    http.delete(f"/work_pools/{pool}")
    read = http.get(f"/deployments/{deployment['id']}").json()
    assert (read["work_pool_name"], read["work_queue_id"]) == (None, None)
    assert http.get(f"/deployments/{deployment['id']}/work_queue_check").json() == []
    refused = http.post(f"/deployments/{deployment['id']}/create_flow_run", json={"work_queue_name": "q"})
    assert (refused.status_code, "not associated with a work pool" in refused.json()["detail"]) == (400, True)
    body = {"deployment_ids": [deployment["id"]]}
    found = http.post("/deployments/get_scheduled_flow_runs", json=body).json()
    assert [(one["id"], one["work_queue_id"]) for one in found] == [(run_id, None)]


def test_the_client_makes_reads_changes_and_removes(client: SyncPrefectClient):
    made = client.create_work_pool(WorkPoolCreate(name="mine", type="process"))
    assert client.read_work_pool("mine") == made
    with pytest.raises(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name="mine", type="process"))
    over = client.create_work_pool(WorkPoolCreate(name="mine", description="new"), overwrite=True)
    assert (over.id, over.description, over.type) == (made.id, "new", "process")
    client.update_work_pool("mine", WorkPoolUpdate(concurrency_limit=3))
    assert "mine" in [one.name for one in client.read_work_pools()]
    assert client.read_work_pool_concurrency_status("mine").concurrency_limit == 3
    assert client.get_scheduled_flow_runs_for_work_pool("mine") == []
    client.send_worker_heartbeat("mine", "w", heartbeat_interval_seconds=30.0)
    worker_id = client.send_worker_heartbeat("mine", "w", get_worker_id=True)
    assert [one.id for one in client.read_workers_for_work_pool("mine")] == [worker_id]
    client.delete_work_pool("mine")
    with pytest.raises(ObjectNotFound):
        client.read_work_pool("mine")


def test_the_client_makes_reads_changes_and_removes_queues(client: SyncPrefectClient):
    client.create_work_pool(WorkPoolCreate(name="queued", type="process"))
    made = client.create_work_queue("q1", priority=1, work_pool_name="queued")
    assert client.read_work_queue(made.id) == made
    assert client.read_work_queue_by_name("q1", work_pool_name="queued") == made
    client.update_work_queue(made.id, description="d", is_paused=True)
    assert [one.name for one in client.read_work_queues("queued")] == ["q1", "default"]
    assert [one.description for one in client.match_work_queues(["q"], "queued")] == ["d"]
    assert client.get_runs_in_work_queue(made.id) == []
    assert client.read_work_queue_status(made.id).healthy is True
    assert client.read_work_queue_concurrency_status(made.id).active_slots == 0
    client.delete_work_queue_by_id(made.id)
    with pytest.raises(ObjectNotFound):
        client.read_work_queue_by_name("q1", work_pool_name="queued")
    with pytest.raises(ValueError, match="a field to change"):
        client.update_work_queue(made.id)

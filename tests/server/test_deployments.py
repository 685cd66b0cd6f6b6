"""Deployments over HTTP, and through the client with and without a server."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from prefect._backend.resolve import local_backend
from prefect._base.clock import UTC, now_us
from prefect._storage import flow_runs
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.concurrency import ConcurrencyOptions
from prefect.model.requests.deployment_actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.model.requests.deployments import DeploymentFilter, DeploymentFilterTags, DeploymentSort
from prefect.model.schedules import CronSchedule, IntervalSchedule
from prefect.states import Scheduled

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

NOBODY = "00000000-0000-0000-0000-000000000000"
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    "required": ["a", "b"],
}


@pytest.fixture(scope="module")
def flow_id(backend) -> str:
    return made_flow(backend, "etl")


@pytest.fixture
def deploy(http, flow_id):
    """Makes a deployment of a name of its own."""

    def make(**fields):
        answer = http.post("/deployments/", json={"name": f"d-{uuid4()}", "flow_id": flow_id, **fields})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    return make


def made_flow(backend, name: str) -> str:
    with backend.store.write() as cx:
        return str(UUID(bytes=flow_runs.flow_id_of(cx, name, now_us())))


def slugs(http, deployment) -> dict[str, tuple[str, bool]]:
    found = http.get(f"/deployments/{deployment['id']}/schedules").json()
    return {one["slug"]: (one["schedule"]["cron"], one["active"]) for one in found}


def cron(slug: str | None, expression: str, **fields):
    return {"slug": slug, "schedule": {"cron": expression}, **fields}


def test_one_is_made_once_and_then_given_another_form(http, flow_id):
    asked = {
        "name": "nightly",
        "flow_id": flow_id,
        "tags": ["x"],
        "parameters": {"a": 1},
        "version": "1",
        "labels": {"team": "data"},
        "schedules": [cron("night", "0 5 * * *")],
    }
    made = http.post("/deployments/", json=asked)
    assert made.status_code == 201
    assert made.json()["labels"] == {"prefect.flow.id": flow_id, "team": "data"}
    assert (made.json()["status"], made.json()["paused"]) == ("NOT_READY", False)
    again = http.post("/deployments/", json={"name": "nightly", "flow_id": flow_id, "version": "2"})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    # what is not given stays, but for parameters and schedules, which are those of the code that is deployed
    assert (again.json()["tags"], again.json()["version"]) == (["x"], "2")
    assert (again.json()["parameters"], again.json()["schedules"]) == ({}, [])
    assert http.get("/deployments/name/etl/nightly").json() == again.json()


def test_what_is_missing_or_wrong_is_said(http, flow_id, deploy):
    assert http.get(f"/deployments/{NOBODY}").json() == {"detail": "Deployment not found"}
    assert http.get("/deployments/name/etl/nowhere").status_code == 404
    assert http.patch(f"/deployments/{NOBODY}", json={"tags": []}).status_code == 404
    assert http.delete(f"/deployments/{NOBODY}").status_code == 404
    assert http.post("/deployments/", json={"name": "x", "flow_id": NOBODY}).status_code == 409
    asked = {"name": "x", "flow_id": flow_id}
    no_pool = http.post("/deployments/", json={**asked, "work_pool_name": "nowhere"})
    assert (no_pool.status_code, no_pool.json()) == (404, {"detail": 'Work pool "nowhere" not found.'})
    assert http.post("/deployments/", json={**asked, "nonsense": 1}).status_code == 422
    assert http.post("/deployments/", json={**asked, "name": "a/b"}).status_code == 422
    assert http.post("/deployments/", json={**asked, "concurrency_limit": 0}).status_code == 422
    assert (
        http.post("/deployments/", json={**asked, "schedules": [cron(None, "nonsense")]}).status_code == 422
    )
    assert http.get("/deployments/name/etl/x").status_code == 404  # nothing of it was kept
    assert http.patch(f"/deployments/{deploy()['id']}", json={"name": "y"}).status_code == 422


def test_it_is_changed_and_removed(http, deploy):
    made = deploy(tags=["a"], parameters={"p": 1})
    assert (
        http.patch(f"/deployments/{made['id']}", json={"tags": ["b"], "description": "d"}).status_code == 204
    )
    read = http.get(f"/deployments/{made['id']}").json()
    assert (read["tags"], read["description"], read["parameters"]) == (["b"], "d", {"p": 1})
    assert read["updated"] > made["updated"]
    assert http.post(f"/deployments/{made['id']}/pause_deployment").status_code == 200
    assert http.get(f"/deployments/{made['id']}").json()["paused"] is True
    assert http.post(f"/deployments/{made['id']}/resume_deployment").status_code == 200
    assert http.get(f"/deployments/{made['id']}").json()["paused"] is False
    assert http.delete(f"/deployments/{made['id']}").status_code == 204
    assert http.get(f"/deployments/{made['id']}").status_code == 404


def test_schedules_are_added_changed_and_removed(http, deploy):
    made = deploy(schedules=[cron("a", "0 1 * * *", parameters={"q": 1})])
    path = f"/deployments/{made['id']}/schedules"
    added = http.post(path, json=[cron("b", "0 2 * * *", max_scheduled_runs=2)])
    assert (added.status_code, added.json()[0]["max_scheduled_runs"]) == (201, 2)
    assert http.post(path, json=[cron("b", "0 3 * * *")]).status_code == 409
    schedule = made["schedules"][0]["id"]
    assert http.patch(f"{path}/{schedule}", json={"active": False}).status_code == 204
    read = {one["slug"]: one for one in http.get(path).json()}
    assert (read["a"]["active"], read["a"]["parameters"]) == (False, {"q": 1})
    assert http.patch(f"{path}/{schedule}", json={"slug": "b"}).status_code == 409
    assert http.patch(f"{path}/{NOBODY}", json={"active": True}).json() == {"detail": "Schedule not found."}
    assert http.delete(f"{path}/{schedule}").status_code == 204
    assert http.delete(f"{path}/{schedule}").status_code == 404
    assert slugs(http, made) == {"b": ("0 2 * * *", True)}
    assert http.get(f"/deployments/{NOBODY}/schedules").status_code == 404


def test_schedules_are_told_apart_by_their_slugs(http, deploy):
    made = deploy(schedules=[cron("a", "0 1 * * *"), cron("b", "0 2 * * *")])
    path = f"/deployments/{made['id']}"

    def patch(*schedules) -> int:
        return http.patch(path, json={"schedules": schedules}).status_code

    assert patch({"slug": "b", "active": False}) == 204
    assert slugs(http, made) == {"a": ("0 1 * * *", True), "b": ("0 2 * * *", False)}
    assert patch(cron("c", "0 3 * * *", replaces="a")) == 204
    assert slugs(http, made) == {"c": ("0 3 * * *", True), "b": ("0 2 * * *", False)}
    assert patch(cron("d", "0 4 * * *", replaces="nobody")) == 204
    assert set(slugs(http, made)) == {"b", "c", "d"}
    assert patch({"slug": "e", "active": False}) == 422  # new, and says nothing of when
    assert patch(cron(None, "0 5 * * *")) == 422  # which one?
    assert set(slugs(http, made)) == {"b", "c", "d"}
    without = deploy(schedules=[cron(None, "0 1 * * *"), cron(None, "0 2 * * *")])
    http.patch(f"/deployments/{without['id']}", json={"schedules": [cron("s", "0 3 * * *")]})
    assert slugs(http, without) == {"s": ("0 3 * * *", True)}


def test_deploying_again_keeps_the_schedules_that_are_the_same(http, deploy):
    made = deploy(schedules=[cron("a", "0 1 * * *"), cron("b", "0 2 * * *")])
    before = {one["slug"]: one["id"] for one in made["schedules"]}
    again = deploy(name=made["name"], schedules=[cron("a", "0 1 * * *"), cron("b", "0 9 * * *")])
    after = {one["slug"]: one["id"] for one in again["schedules"]}
    assert (after["a"], after["b"] != before["b"]) == (before["a"], True)


def test_a_limit_is_a_global_one_under_the_name_of_the_deployment(http, deploy):
    made = deploy(concurrency_limit=2, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    limit = made["global_concurrency_limit"]
    assert (limit["name"], limit["limit"], limit["active_slots"]) == (f"deployment:{made['id']}", 2, 0)
    assert made["concurrency_limit"] is None
    assert made["concurrency_options"] == {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": None}
    assert http.get(f"/v2/concurrency_limits/{limit['id']}").json()["limit"] == 2
    shared = deploy(global_concurrency_limit_id=limit["id"])
    assert shared["global_concurrency_limit"]["id"] == limit["id"]
    http.patch(f"/deployments/{made['id']}", json={"concurrency_limit": 5})
    assert http.get(f"/deployments/{shared['id']}").json()["global_concurrency_limit"]["limit"] == 5
    asked = {"deployments": {"concurrency_limit": {"ge_": 5}}}
    found = {one["id"] for one in http.post("/deployments/filter", json=asked).json()}
    assert found == {made["id"], shared["id"]}
    http.patch(f"/deployments/{made['id']}", json={"concurrency_limit": None})
    assert http.get(f"/deployments/{made['id']}").json()["global_concurrency_limit"] is None
    assert http.get(f"/v2/concurrency_limits/{limit['name']}").status_code == 404


def test_lists_are_filtered_sorted_paged_and_counted(http, deploy):
    names = [f"list-{letter}" for letter in "cab"]
    for name in names:
        deploy(name=name, tags=["listed", name], paused=name == "list-a")
    listed = {"deployments": {"tags": {"all_": ["listed"]}}}

    def found(**asked) -> list[str]:
        return [one["name"] for one in http.post("/deployments/filter", json=listed | asked).json()]

    assert found() == ["list-a", "list-b", "list-c"]
    assert found(sort="NAME_DESC", limit=2, offset=1) == ["list-b", "list-a"]
    assert found(sort="CREATED_DESC") == ["list-b", "list-a", "list-c"]
    assert found(deployments={"name": {"like_": "LIST-"}, "paused": {"eq_": True}}) == ["list-a"]
    assert found(flows={"name": {"any_": ["nobody"]}}) == []
    assert http.post("/deployments/count", json=listed).json() == 3
    page = http.post("/deployments/paginate", json={**listed, "limit": 2, "page": 2}).json()
    assert [one["name"] for one in page.pop("results")] == ["list-c"]
    assert page == {"count": 3, "limit": 2, "pages": 2, "page": 2}
    assert "Invalid limit" in http.post("/deployments/filter", json={"limit": 201}).json()["detail"]
    gone = http.post("/deployments/bulk_delete", json=listed).json()["deleted"]
    assert (len(gone), found()) == (3, [])


def test_a_run_has_what_the_deployment_has_and_more(http, deploy, flow_id):
    made = deploy(tags=["x"], parameters={"a": 1, "b": 2}, version="7", labels={"team": "data"})
    asked = {
        "parameters": {"b": 3},
        "tags": ["y"],
        "labels": {"run": 1},
        "job_variables": {"cpu": 2},
        "name": "by-hand",
        "context": {"why": "test"},
        "empirical_policy": {"retries": 2},
    }
    answer = http.post(f"/deployments/{made['id']}/create_flow_run", json=asked)
    run = answer.json()
    assert (answer.status_code, run["name"], run["state_name"]) == (201, "by-hand", "Scheduled")
    assert (run["parameters"], run["tags"]) == ({"a": 1, "b": 3}, ["x", "y"])
    assert (run["job_variables"], run["deployment_version"]) == ({"cpu": 2}, "7")
    assert (run["context"], run["empirical_policy"]["retries"]) == ({"why": "test"}, 2)
    labels = {"team": "data", "prefect.flow.id": flow_id, "prefect.deployment.id": made["id"], "run": 1}
    assert run["labels"] == labels
    assert run["next_scheduled_start_time"] == run["state"]["state_details"]["scheduled_time"]
    assert run["auto_scheduled"] is False


def test_an_idempotency_key_gives_the_first_run(http, deploy):
    path = f"/deployments/{deploy()['id']}/create_flow_run"
    key = {"idempotency_key": str(uuid4())}
    first = http.post(path, json=key)
    second = http.post(path, json={**key, "parameters": {"z": 1}})
    assert (first.status_code, second.status_code) == (201, 200)
    assert (second.json()["id"], second.json()["parameters"]) == (first.json()["id"], {})


def test_parameters_must_fit_the_schema(http, deploy, flow_id):
    asked = {"name": "strict", "flow_id": flow_id, "parameter_openapi_schema": SCHEMA}
    wrong = http.post("/deployments/", json={**asked, "parameters": {"a": "x"}})
    assert (wrong.status_code, "'x' is not of type 'integer'" in wrong.text) == (422, True)
    made = deploy(parameters={"a": 3}, parameter_openapi_schema=SCHEMA)  # b may be given with the run
    path = f"/deployments/{made['id']}/create_flow_run"
    missing = http.post(path, json={})
    assert (missing.status_code, "'b' is a required property" in missing.json()["detail"]) == (409, True)
    assert http.post(path, json={"parameters": {"b": 1}}).status_code == 409
    assert http.post(path, json={"parameters": {"b": "s"}}).status_code == 201
    assert http.post(path, json={"enforce_parameter_schema": False}).status_code == 201
    lenient = deploy(parameter_openapi_schema=SCHEMA, enforce_parameter_schema=False)
    assert http.post(f"/deployments/{lenient['id']}/create_flow_run", json={}).status_code == 201


def test_several_runs_are_asked_for_at_once(http, deploy):
    made = deploy(parameter_openapi_schema=SCHEMA)
    body = [{"parameters": {"a": 1, "b": "s"}}, {}]
    answer = http.post(f"/deployments/{made['id']}/create_flow_run/bulk", json=body)
    good, bad = answer.json()["results"]
    assert (answer.status_code, good["status"], good["error"]) == (200, "CREATED", None)
    assert (bad["status"], bad["flow_run_id"], "required" in bad["error"]) == ("FAILED", None, True)


def test_who_polls_gets_the_runs_that_wait_by_their_time(http, deploy):
    made = deploy()
    path = f"/deployments/{made['id']}/create_flow_run"
    now = datetime.now(UTC)
    for hours in (3, -1, 1):
        time = (now + timedelta(hours=hours)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": time}}
        http.post(path, json={"name": f"in {hours}", "state": state})
    http.post(path, json={"name": "pending", "state": {"type": "PENDING"}})

    def polled(**asked) -> list[str]:
        body = {"deployment_ids": [made["id"]], **asked}
        found = http.post("/deployments/get_scheduled_flow_runs", json=body).json()
        return [one["name"] for one in found]

    assert polled() == ["in -1", "in 1", "in 3"]
    assert polled(limit=1) == ["in -1"]
    assert polled(scheduled_before=(now + timedelta(hours=2)).isoformat()) == ["in -1", "in 1"]
    read = http.get(f"/deployments/{made['id']}").json()
    assert (read["status"], read["last_polled"] is not None) == ("READY", True)
    assert http.post("/deployments/get_scheduled_flow_runs", json={"deployment_ids": []}).json() == []
    assert http.post("/deployments/get_scheduled_flow_runs", json={}).status_code == 422


@pytest.fixture
def flow(request, client: SyncPrefectClient) -> UUID:
    """A flow where the client looks."""
    over_http = "over-http" in request.node.name
    return UUID(made_flow(request.getfixturevalue("backend") if over_http else local_backend(), "clients"))


def test_the_client_makes_reads_changes_and_removes(client: SyncPrefectClient, flow: UUID):
    every_day = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 0 * * *"), slug="daily")
    made = client.create_deployment(
        flow_id=flow,
        name="mine",
        schedules=[every_day],
        tags=["t"],
        concurrency_limit=1,
        concurrency_options=ConcurrencyOptions(collision_strategy="ENQUEUE"),
        parameters={"a": 1},
    )
    read = client.read_deployment_by_name("clients/mine")
    assert (read.id, read.tags, read.schedules[0].schedule.cron) == (made, ["t"], "0 0 * * *")
    assert client.read_deployment(str(made)) == read
    client.update_deployment(made, DeploymentUpdate(description="ours"))
    client.pause_deployment(made)
    assert (client.read_deployment(made).description, client.read_deployment(made).paused) == ("ours", True)
    client.set_deployment_paused_state(made, False)
    asked = DeploymentFilter(tags=DeploymentFilterTags(all_=["t"]))
    found = client.read_deployments(deployment_filter=asked, sort=DeploymentSort.NAME_DESC, limit=1)
    assert [one.name for one in found] == ["mine"]
    client.delete_deployment(made)
    with pytest.raises(ObjectNotFound):
        client.read_deployment(made)
    with pytest.raises(ValueError, match="'flow/deployment'"):
        client.read_deployment_by_name("mine")


def test_the_client_changes_schedules(client: SyncPrefectClient, flow: UUID):
    made = client.create_deployment(flow_id=flow, name="scheduled")
    hourly = IntervalSchedule(interval=timedelta(hours=1))
    (schedule,) = client.create_deployment_schedules(made, [(hourly, True)], slug="hourly")
    assert client.read_deployment_schedules(made)[0].schedule.interval == timedelta(hours=1)
    client.update_deployment_schedule(made, schedule.id, active=False)
    assert client.read_deployment_schedules(made)[0].active is False
    with pytest.raises(ObjectAlreadyExists):
        client.create_deployment_schedules(made, [(hourly, True)], slug="hourly")
    client.delete_deployment_schedule(made, schedule.id)
    assert client.read_deployment_schedules(made) == []


def test_the_client_asks_for_runs_and_polls(client: SyncPrefectClient, flow: UUID):
    made = client.create_deployment(flow_id=flow, name="run")
    later = datetime.now(UTC) + timedelta(days=1)
    run = client.create_flow_run_from_deployment(
        made, parameters={"a": 1}, state=Scheduled(scheduled_time=later), tags=["t"], job_variables={"j": 1}
    )
    assert (run.parameters, run.tags, run.next_scheduled_start_time) == ({"a": 1}, ["t"], later)
    assert client.get_scheduled_flow_runs_for_deployments([made])[0].id == run.id
    assert client.get_scheduled_flow_runs_for_deployments([made], scheduled_before=datetime.now(UTC)) == []


async def test_the_asynchronous_client_does_the_same(server_url, flow_id):
    async with PrefectClient(f"{server_url}/api") as asking:
        made = await asking.create_deployment(flow_id=UUID(flow_id), name="awaited")
        assert (await asking.read_deployment_by_name("etl/awaited")).id == made


def test_null_in_a_search_is_as_if_it_were_left_out(http):
    """Older clients send every field."""
    nothing = {"flows": None, "deployments": None, "sort": None, "limit": None, "offset": None, "page": None}
    assert http.post("/deployments/filter", json=nothing).status_code == 200
    assert http.post("/deployments/paginate", json=nothing).json()["page"] == 1

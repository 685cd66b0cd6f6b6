"""Flows over HTTP, and through the client with and without a server."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from prefect import flow
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.flows import FlowFilter, FlowFilterName, FlowSort


@flow(name="ours")
def ours() -> int:
    return 1


def test_a_flow_is_made_once_for_each_name(http):
    made = http.post("/flows/", json={"name": "etl", "tags": ["a"], "labels": {"team": "x", "n": 1}})
    assert made.status_code == 201
    assert made.json().keys() == {"id", "created", "updated", "name", "tags", "labels"}
    again = http.post("/flows/", json={"name": "etl", "tags": ["b"]})
    assert (again.status_code, again.json()) == (200, made.json())
    assert http.get(f"/flows/{made.json()['id']}").json() == made.json()
    assert http.get("/flows/name/etl").json() == made.json()


def test_a_flow_is_changed_and_removed_with_its_runs(http):
    flow_id = http.post("/flows/", json={"name": "short-lived"}).json()["id"]
    before = http.get(f"/flows/{flow_id}").json()
    assert http.patch(f"/flows/{flow_id}", json={"tags": ["z"]}).status_code == 204
    after = http.get(f"/flows/{flow_id}").json()
    assert (after["tags"], after["created"]) == (["z"], before["created"])
    assert after["updated"] > before["updated"]
    run_id = http.post("/flow_runs/", json={"flow_id": flow_id, "tags": ["t"]}).json()["id"]
    assert http.delete(f"/flows/{flow_id}").status_code == 204
    assert http.delete(f"/flows/{flow_id}").status_code == 404
    assert http.get(f"/flow_runs/{run_id}").status_code == 404
    assert http.get("/flow_run_states/", params={"flow_run_id": run_id}).json() == []


@pytest.mark.parametrize("request_of", [("GET", None), ("PATCH", {"tags": []}), ("DELETE", None)])
def test_what_is_missing_is_said(http, request_of):
    method, body = request_of
    answer = http.request(method, f"/flows/{uuid4()}", json=body)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Flow not found"})


@pytest.mark.parametrize(
    "body", [{}, {"name": "a/b"}, {"name": "x", "colour": "red"}, {"name": "x", "labels": {"a": []}}]
)
def test_what_is_no_flow_is_refused(http, body):
    assert http.post("/flows/", json=body).status_code == 422
    assert http.post("/flows/filter", json={"flows": {"colour": {}}}).status_code == 422


def test_flows_are_listed_in_pages_and_orders(http):
    for name in ("page-a", "page-b", "page-c"):
        http.post("/flows/", json={"name": name})
    mine = {"flows": {"name": {"like_": "page-"}}}

    def names(path="filter", **more):
        found = http.post(f"/flows/{path}", json={**mine, **more}).json()
        return [one["name"] for one in (found if path == "filter" else found["results"])]

    assert names() == ["page-a", "page-b", "page-c"]
    assert names(sort="NAME_DESC", limit=1, offset=1) == ["page-b"]
    assert names(sort="CREATED_DESC") == ["page-c", "page-b", "page-a"]
    assert names("paginate", limit=2, page=2) == ["page-c"]
    page = http.post("/flows/paginate", json={**mine, "limit": 2, "page": 9}).json()
    assert page == {"results": [], "count": 3, "limit": 2, "pages": 2, "page": 9}
    assert http.post("/flows/count", json=mine).json() == 3


def test_several_flows_are_removed_at_once(http):
    ids = [http.post("/flows/", json={"name": f"bulk-{n}"}).json()["id"] for n in range(3)]
    deleted = http.post("/flows/bulk_delete", json={"flows": {"name": {"like_": "bulk-"}}, "limit": 2})
    assert deleted.json() == {"deleted": ids[:2]}
    assert http.post("/flows/bulk_delete", json={"limit": 51}).status_code == 422


def test_a_page_of_flows_knows_what_runs_next(http):
    flow_id, idle_id = (http.post("/flows/", json={"name": name}).json()["id"] for name in ("busy", "idle"))
    for hour in (7, 5, 9):
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": f"2031-01-01T0{hour}:00:00Z"}}
        http.post("/flow_runs/", json={"flow_id": flow_id, "name": f"at-{hour}", "state": state})
    found = http.post("/ui/flows/next-runs", json={"flow_ids": [flow_id, idle_id]}).json()
    assert found[idle_id] is None
    assert found[flow_id]["name"] == "at-5"
    assert found[flow_id].keys() == {
        "id",
        "flow_id",
        "name",
        "state_name",
        "state_type",
        "next_scheduled_start_time",
    }
    counts = http.post("/ui/flows/count-deployments", json={"flow_ids": [flow_id, idle_id]}).json()
    assert counts == {flow_id: 0, idle_id: 0}


def test_the_client_makes_reads_and_removes(client: SyncPrefectClient):
    made = client.create_flow(ours)
    assert isinstance(made, UUID)
    assert client.create_flow_from_name("ours") == made
    assert client.read_flow(made) == client.read_flow_by_name("ours")
    listed = client.read_flows(
        flow_filter=FlowFilter(name=FlowFilterName(any_=["ours", "nobody's"])), sort=FlowSort.NAME_DESC
    )
    assert [one.id for one in listed] == [made]
    client.delete_flow(made)
    for ask in (client.read_flow, client.delete_flow):
        with pytest.raises(ObjectNotFound):
            ask(made)
    with pytest.raises(ObjectNotFound):
        client.read_flow_by_name("ours")


@pytest.mark.parametrize("over_http", [True, False])
async def test_the_asynchronous_client_does_the_same(server_url, over_http):
    async with PrefectClient(f"{server_url}/api" if over_http else None) as asking:
        made = await asking.create_flow(ours)
        assert (await asking.read_flow(made)).name == "ours"
        await asking.delete_flow(made)

"""Variables over HTTP, and through the client with and without a server."""

from __future__ import annotations

from uuid import UUID

import pytest

from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.variables import VariableCreate, VariableUpdate


def test_one_is_made_read_changed_and_removed(http):
    made = http.post("/variables/", json={"name": "plan", "value": {"days": [1, 2]}, "tags": ["a"]})
    assert made.status_code == 201
    assert UUID(made.json()["id"]).version == 7
    assert http.get(f"/variables/{made.json()['id']}").json() == made.json()
    assert http.patch("/variables/name/plan", json={"value": None}).status_code == 204
    read = http.get("/variables/name/plan").json()
    assert (read["value"], read["tags"]) == (None, ["a"])
    assert read["updated"] > read["created"]
    assert http.delete("/variables/name/plan").status_code == 204
    assert http.get("/variables/name/plan").status_code == 404


def test_a_name_is_taken_once(http):
    assert http.post("/variables/", json={"name": "twice", "value": 1}).status_code == 201
    again = http.post("/variables/", json={"name": "twice", "value": 2})
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "Variable with name 'twice' already exists."},
    )
    other = http.post("/variables/", json={"name": "other", "value": 1}).json()
    assert http.patch(f"/variables/{other['id']}", json={"name": "twice"}).status_code == 409


def test_what_is_missing_or_wrong_is_said(http):
    assert http.get("/variables/name/nowhere").json() == {"detail": "Variable not found"}
    wrong = http.post("/variables/", json={"name": 7, "value": 1})
    assert wrong.status_code == 422
    assert wrong.json()["exception_detail"][0]["loc"] == ["body", "name"]
    assert wrong.json()["request_body"] == {"name": 7, "value": 1}
    assert http.post("/variables/", content=b"{").status_code == 422
    assert http.get("/variables/no-uuid").json() == {"detail": "Not Found"}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"name": {"any_": ["red", "blue"]}}, ["blue", "red"]),
        ({"name": {"like_": "RE"}}, ["green", "red"]),
        ({"tags": {"all_": ["warm"]}}, ["red"]),
        ({"tags": {"is_null_": True}}, ["green"]),
        ({"operator": "or_", "name": {"any_": ["green"]}, "tags": {"all_": ["warm"]}}, ["green", "red"]),
        ({"id": {"any_": []}}, []),
    ],
)
def test_a_filter_finds_them_in_order(http, asked, names):
    for name, tags in (("red", ["warm", "primary"]), ("blue", ["primary"]), ("green", [])):
        http.post("/variables/", json={"name": name, "value": name, "tags": tags})
    mine = {"operator": "and_", "name": {"any_": ["red", "blue", "green"]}}
    found = http.post("/variables/filter", json={"variables": asked}).json()
    assert [one["name"] for one in found if one["name"] in mine["name"]["any_"]] == names
    assert http.post("/variables/count", json={"variables": asked}).json() == len(found)


def test_a_list_is_given_in_pages(http):
    for number in range(3):
        http.post("/variables/", json={"name": f"page-{number}", "value": number})
    asked = {"variables": {"name": {"like_": "page-"}}, "sort": "NAME_DESC", "limit": 2, "offset": 1}
    assert [one["value"] for one in http.post("/variables/filter", json=asked).json()] == [1, 0]
    refused = http.post("/variables/filter", json={"limit": 201})
    assert (refused.status_code, "Invalid limit" in refused.json()["detail"]) == (422, True)


def test_the_client_makes_reads_changes_and_removes(client: SyncPrefectClient):
    made = client.create_variable(VariableCreate(name="mine", value=[1]))
    assert client.read_variable_by_name("mine") == made
    assert client.read_variable_by_name("nobody's") is None
    assert made.name in [one.name for one in client.read_variables()]
    with pytest.raises(ObjectAlreadyExists):
        client.create_variable(VariableCreate(name="mine", value=2))
    client.update_variable(VariableUpdate(name="mine", value=2))
    assert client.read_variable_by_name("mine").value == 2
    client.delete_variable_by_name("mine")
    with pytest.raises(ObjectNotFound):
        client.delete_variable_by_name("mine")


@pytest.mark.parametrize("form", ["over-http", "in-process"])
async def test_the_asynchronous_client_does_the_same(server_url, form):
    async with PrefectClient(f"{server_url}/api" if form == "over-http" else None) as asking:
        await asking.create_variable(VariableCreate(name="awaited", value=1))
        assert (await asking.read_variable_by_name("awaited")).value == 1
        await asking.delete_variable_by_name("awaited")

"""Artifacts over HTTP, through the client, and as flows make them."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from prefect import artifacts, flow, task
from prefect.artifacts import (
    Artifact,
    LinkArtifact,
    MarkdownArtifact,
    acreate_table_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactFilter,
    ArtifactFilterId,
    ArtifactFilterKey,
)
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run, task_run


def made(http, **given):
    answer = http.post("/artifacts/", json=given)
    assert answer.status_code == 201
    return answer.json()


def test_one_is_made_read_changed_and_removed(http):
    one = made(http, key="report", type="markdown", data="# hi", metadata_={"a": "b"}, description="d")
    assert UUID(one["id"]).version == 7
    assert http.get(f"/artifacts/{one['id']}").json() == one
    assert http.patch(f"/artifacts/{one['id']}", json={"data": [1]}).status_code == 204
    read = http.get(f"/artifacts/{one['id']}").json()
    assert (read["data"], read["description"], read["metadata_"]) == ([1], "d", {"a": "b"})
    assert read["updated"] > read["created"]
    assert http.delete(f"/artifacts/{one['id']}").status_code == 204
    gone = http.get(f"/artifacts/{one['id']}")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Artifact not found."})
    assert http.delete(f"/artifacts/{one['id']}").status_code == 404
    assert http.patch(f"/artifacts/{one['id']}", json={}).status_code == 404


def test_the_latest_of_a_key_is_the_last_one_made(http):
    first, second = made(http, key="versions", data=1), made(http, key="versions", data=2)
    assert http.get("/artifacts/versions/latest").json() == second

    def collections():
        asked = {"artifacts": {"key": {"any_": ["versions"]}}}
        return http.post("/artifacts/latest/filter", json=asked).json()

    (collection,) = collections()
    assert (collection["latest_id"], collection["data"], collection["key"]) == (second["id"], 2, "versions")
    http.delete(f"/artifacts/{second['id']}")
    assert http.get("/artifacts/versions/latest").json() == first
    assert [one["latest_id"] for one in collections()] == [first["id"]]
    assert collections()[0]["id"] == collection["id"]
    http.delete(f"/artifacts/{first['id']}")
    assert collections() == []
    assert http.get("/artifacts/versions/latest").status_code == 404


@pytest.mark.parametrize("wrong", [{"key": "Bad Key"}, {"unknown": 1}, {"flow_run_id": "no"}])
def test_what_is_wrong_is_refused(http, wrong):
    assert http.post("/artifacts/", json=wrong).status_code == 422


def test_long_metadata_is_shortened(http):
    assert len(made(http, metadata_={"a": "x" * 600})["metadata_"]["a"]) == 503


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"key": {"any_": ["f-a", "f-b"]}}, {"f-a", "f-b"}),
        ({"key": {"like_": "F-"}}, {"f-a", "f-b", "f-c"}),
        ({"key": {"like_": "f-"}, "type": {"not_any_": ["table"]}}, {"f-a", "f-c"}),
        ({"key": {"like_": "f-"}, "type": {"any_": ["table"]}}, {"f-b"}),
        ({"operator": "or_", "key": {"any_": ["f-a"]}, "type": {"any_": ["odd"]}}, {"f-a", "f-c"}),
    ],
)
def test_a_filter_finds_them_and_their_keys(http, asked, found):
    if not http.post("/artifacts/count", json={"artifacts": {"key": {"any_": ["f-a"]}}}).json():
        for key, type in (("f-a", "markdown"), ("f-b", "table"), ("f-c", "odd")):
            made(http, key=key, type=type)
    for path in ("/artifacts", "/artifacts/latest"):
        answers = http.post(f"{path}/filter", json={"artifacts": asked}).json()
        assert {one["key"] for one in answers} == found
        assert http.post(f"{path}/count", json={"artifacts": asked}).json() == len(found)


def test_those_without_a_key_have_no_latest(http):
    keyless = made(http, type="keyless")
    asked = {"artifacts": {"key": {"exists_": False}, "type": {"any_": ["keyless"]}}}
    assert [one["id"] for one in http.post("/artifacts/filter", json=asked).json()] == [keyless["id"]]
    assert http.post("/artifacts/latest/count", json=asked).json() == 0


def test_a_list_is_ordered_and_paged(http):
    for key in ("o-b", "o-c", "o-a"):
        made(http, key=key)
    mine = {"artifacts": {"key": {"like_": "o-"}}}

    def keys(path, **page):
        return [one["key"] for one in http.post(path, json={**mine, **page}).json()]

    for path in ("/artifacts/filter", "/artifacts/latest/filter"):
        assert keys(path, sort="KEY_ASC") == ["o-a", "o-b", "o-c"]
        assert keys(path, sort="KEY_DESC", limit=1, offset=1) == ["o-b"]
        assert keys(path) == keys(path, sort="CREATED_DESC") == ["o-a", "o-c", "o-b"]
    assert http.post("/artifacts/filter", json={"limit": 201}).status_code == 422


def test_they_are_found_by_their_runs(http):
    flow_id = http.post("/flows/", json={"name": "shows"}).json()["id"]
    run = http.post("/flow_runs/", json={"flow_id": flow_id, "tags": ["mine"]}).json()["id"]
    one = made(http, key="of-a-run", flow_run_id=run)
    for asked in ({"flow_runs": {"tags": {"all_": ["mine"]}}}, {"flows": {"name": {"any_": ["shows"]}}}):
        assert [a["id"] for a in http.post("/artifacts/filter", json=asked).json()] == [one["id"]]
        assert http.post("/artifacts/latest/count", json=asked).json() == 1
    assert http.post("/artifacts/count", json={"flow_runs": {"id": {"any_": [str(uuid4())]}}}).json() == 0


@pytest.mark.parametrize(
    ("order", "conditions", "wanted"),
    [
        (
            "key DESC, id DESC LIMIT 1",
            "WHERE key = 'a'",
            "SEARCH artifact USING INDEX artifact_by_key (key=?)",
        ),
        ("id DESC LIMIT 200", "", "SCAN artifact"),
        (
            "id DESC LIMIT 200",
            "WHERE flow_run_id = x'00'",
            "SEARCH artifact USING INDEX artifact_by_flow_run",
        ),
        ("key, id LIMIT 200", "", "SCAN artifact USING INDEX artifact_by_key"),
        ("updated DESC, id DESC LIMIT 200", "", "SCAN artifact USING INDEX artifact_by_updated"),
    ],
)
def test_lists_are_read_in_the_order_of_an_index(sqlite_only, backend, order, conditions, wanted):
    rows = backend.store.rows(
        f"EXPLAIN QUERY PLAN SELECT id, data FROM artifact {conditions} ORDER BY {order}"
    )
    plan = [str(row[-1]) for row in rows]
    assert plan[0].startswith(wanted)
    assert len(plan) == 1  # nothing is sorted


def test_the_client_makes_finds_changes_and_removes(client: SyncPrefectClient):
    one = client.create_artifact(ArtifactCreate(key="client", data={"x": 1}))
    client.update_artifact(one.id, ArtifactUpdate(description="changed"))
    mine = ArtifactFilter(id=ArtifactFilterId(any_=[one.id]))
    (read,) = client.read_artifacts(artifact_filter=mine, sort=ArtifactSort.KEY_ASC, limit=1)
    assert (read.description, read.data) == ("changed", {"x": 1})
    by_key = ArtifactCollectionFilter(key={"any_": ["client"]})
    assert [one.latest_id for one in client.read_latest_artifacts(artifact_filter=by_key)] == [one.id]
    client.delete_artifact(one.id)
    assert client.read_artifacts(artifact_filter=mine) == []
    with pytest.raises(ObjectNotFound):
        client.delete_artifact(one.id)


def recorded(id):
    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=ArtifactFilter(id=ArtifactFilterId(any_=[id])))[0]


@pytest.mark.parametrize(
    ("make", "type", "data"),
    [
        (lambda: create_link_artifact("http://x.org", "text"), "markdown", "[text](http://x.org)"),
        (lambda: create_link_artifact("http://x.org"), "markdown", "[http://x.org](http://x.org)"),
        (lambda: create_markdown_artifact("# a"), "markdown", "# a"),
        (lambda: create_table_artifact({"a": [1, math.nan]}), "table", '{"a": [1, null]}'),
        (lambda: create_table_artifact([{"a": 1}]), "table", '[{"a": 1}]'),
        (lambda: create_table_artifact([[1, "x"]]), "table", '[[1, "x"]]'),
        (lambda: create_progress_artifact(12.5), "progress", 12.5),
        (lambda: create_progress_artifact(101), "progress", 100),
        (lambda: create_image_artifact("http://x/y.png"), "image", "http://x/y.png"),
    ],
)
def test_each_kind_is_recorded_as_it_is_shown(make, type, data):
    one = recorded(make())
    assert (one.type, one.data, one.flow_run_id, one.task_run_id) == (type, data, None, None)


def test_progress_moves_on():
    id = create_progress_artifact(1, key="progress", description="start")
    assert update_progress_artifact(id, 50) == id
    assert (recorded(id).data, recorded(id).description) == (50, "start")
    with pytest.raises(ObjectNotFound):
        update_progress_artifact(uuid4(), 1)


def test_wrong_ones_are_refused_where_they_are_made():
    with pytest.raises(ValidationError, match="lowercase"):
        create_markdown_artifact("a", key="Bad Key")
    with pytest.raises(ValidationError):
        create_table_artifact("no table")


def test_runs_are_known_by_what_they_make():
    @task
    def inner():
        return create_markdown_artifact("in a task"), UUID(task_run.id)

    @flow
    def outer():
        return create_markdown_artifact("in a flow", key="in-a-flow"), inner(), UUID(flow_run.id)

    of_flow, (of_task, task_run_id), flow_run_id = outer()
    assert (recorded(of_flow).flow_run_id, recorded(of_flow).task_run_id) == (flow_run_id, None)
    assert (recorded(of_task).flow_run_id, recorded(of_task).task_run_id) == (flow_run_id, task_run_id)


async def test_async_flows_await_them():
    @flow
    async def outer():
        return await create_markdown_artifact("a"), await acreate_table_artifact([[1]])

    first, second = await outer()
    assert isinstance(first, UUID)
    assert isinstance(second, UUID)


def test_artifacts_as_objects():
    made, new = MarkdownArtifact.get_or_create("an-object", markdown="# x")
    assert (made.data, new) == ("# x", True)
    again, new = Artifact.get_or_create("an-object", data={"x": 2})
    assert (again.id, new) == (made.id, False)
    assert Artifact.get("an-object").data == "# x"
    assert Artifact.get("never-made") is None
    assert Artifact(key="json", data={"a": 1}).create().data == '{"a": 1}'
    assert LinkArtifact(link="http://q").format() == "[http://q](http://q)"
    assert artifacts.Artifact(data=3).format() == "3"
    assert ArtifactFilterKey(exists_=True).exists_

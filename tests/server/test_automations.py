"""Automations and saved searches: what is sent is checked, kept and shown."""

from __future__ import annotations

from uuid import uuid4

import pytest

from prefect.client.orchestration import SyncPrefectClient
from prefect.model.automations import AutomationCore

EVENT = {"type": "event", "posture": "Reactive", "expect": ["x.y"], "threshold": 1, "within": 0}
BASE = {"name": "plain", "trigger": EVENT, "actions": [{"type": "do-nothing"}]}


def made(http, **changes):
    answer = http.post("/automations/", json={**BASE, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_one_is_made_read_changed_and_removed(http):
    one = made(http)
    path = f"/automations/{one['id']}"
    assert http.get(path).json() == one
    assert one["trigger"].keys() == {
        "type", "id", "match", "match_related", "after", "expect", "for_each", "posture", "threshold", "within",
    }  # fmt: skip
    assert http.patch(path, json={"enabled": False}).status_code == 204
    assert http.get(path).json()["enabled"] is False
    assert http.put(path, json={**BASE, "name": "renamed", "tags": ["t"]}).status_code == 204
    read = http.get(path).json()
    assert (read["name"], read["tags"], read["enabled"]) == ("renamed", ["t"], True)
    assert http.put(path, json={**BASE, "id": one["id"]}).status_code == 422
    assert http.delete(path).status_code == 204
    for gone in (http.get(path), http.delete(path), http.patch(path, json={}), http.put(path, json=BASE)):
        assert (gone.status_code, gone.json()) == (404, {"detail": "Automation not found"})


def test_triggers_within_triggers_and_many_actions_are_kept(http):
    deployment, block = str(uuid4()), str(uuid4())
    trigger = {
        "type": "compound",
        "require": "any",
        "within": 60,
        "triggers": [EVENT, {"type": "sequence", "triggers": [EVENT, EVENT]}],
    }
    actions = [
        {"type": "run-deployment", "deployment_id": deployment, "schedule_after": 5},
        {"type": "cancel-flow-run"},
        {"type": "send-notification", "block_document_id": block, "body": "b"},
        {"type": "pause-work-pool", "source": "inferred"},
    ]
    one = made(http, trigger=trigger, actions=actions, actions_on_resolve=[{"type": "do-nothing"}])
    read = http.get(f"/automations/{one['id']}").json()
    assert (read["trigger"]["within"], read["trigger"]["triggers"][1]["triggers"][0]["expect"]) == (
        60.0,
        ["x.y"],
    )
    assert read["actions"][0] == {
        "type": "run-deployment", "source": "selected", "deployment_id": deployment, "parameters": None,
        "job_variables": None, "schedule_after": 5.0,
    }  # fmt: skip
    assert [one["type"] for one in read["actions"]] == [one["type"] for one in actions]
    assert read["actions_on_resolve"] == [{"type": "do-nothing"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": [{"type": "nope"}]},
        {"actions": [{"type": "run-deployment"}]},
        {"actions": [{"type": "do-nothing", "more": 1}]},
        {"trigger": {"type": "bogus"}},
        {"trigger": {"type": "event", "posture": "Proactive", "within": 1}},
        {"trigger": {"type": "event", "posture": "Metric"}},
        {"trigger": {"type": "compound", "require": 3, "triggers": [EVENT]}},
        {"unknown": 1},
        {"name": None},
    ],
)
def test_what_is_wrong_is_refused(http, wrong):
    assert http.post("/automations/", json={**BASE, **wrong}).status_code == 422


def test_what_does_not_happen_is_waited_for_ten_seconds_at_least(http):
    one = made(http, trigger={"type": "event", "posture": "Proactive", "within": 0})
    assert one["trigger"]["within"] == 10.0


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"name": {"any_": ["f-a"]}}, ["f-a"]),
        ({"tags": {"all_": ["x", "y"]}}, ["f-b"]),
        ({"tags": {"any_": ["x"]}}, ["f-a", "f-b"]),
        ({"name": {"any_": ["f-a", "f-c"]}, "tags": {"is_null_": True}}, ["f-c"]),
        ({"created": {"before_": "2020-01-01T00:00:00Z"}}, []),
    ],
)
def test_a_filter_finds_them_in_order(http, asked, names):
    if not http.post("/automations/count", json={"automations": {"name": {"any_": ["f-a"]}}}).json():
        for name, tags in (("f-b", ["x", "y"]), ("f-a", ["x"]), ("f-c", [])):
            made(http, name=name, tags=tags)
    found = http.post("/automations/filter", json={"automations": asked}).json()
    assert [one["name"] for one in found] == names
    assert http.post("/automations/count", json={"automations": asked}).json() == len(names)


def test_those_about_a_resource_are_found(http):
    deployment = str(uuid4())
    resource, owner = f"prefect.deployment.{deployment}", f"prefect.deployment.{uuid4()}"
    acts = made(http, name="acts", actions=[{"type": "pause-deployment", "deployment_id": deployment}])
    matches = made(
        http,
        name="matches",
        trigger={**EVENT, "match": {"prefect.resource.id": [resource, "prefect.flow.*"]}},
        owner_resource=owner,
    )

    def about(resource):
        return [one["id"] for one in http.get(f"/automations/related-to/{resource}").json()]

    assert about(resource) == [acts["id"], matches["id"]]
    assert about(owner) == [matches["id"]]
    assert about("prefect.flow.*") == []
    assert http.delete(f"/automations/owned-by/{owner}").status_code == 202
    assert about(resource) == [acts["id"]]


def test_the_client_makes_finds_changes_and_removes(client: SyncPrefectClient):
    core = AutomationCore.model_validate({**BASE, "name": "Of Client"})
    id = client.create_automation(core)
    assert client.read_automation(id).name == "Of Client"
    assert client.find_automation("of client").id == client.find_automation(str(id)).id == id
    assert client.read_automation(uuid4()) is client.find_automation("nobody's") is None
    client.pause_automation(id)
    assert client.read_automations_by_name("Of Client")[0].enabled is False
    client.resume_automation(id)
    client.update_automation(id, core.model_copy(update={"name": "changed"}))
    assert "changed" in [one.name for one in client.read_automations(limit=50)]
    client.delete_automation(id)
    assert client.read_automation(id) is None
    assert client.read_resource_related_automations("nothing") == []


def test_searches_are_kept_by_name(http):
    condition = {"object": "flow", "property": "name", "type": "string", "operation": "eq", "value": 1}
    first = http.put("/saved_searches/", json={"name": "mine", "filters": [condition]})
    assert (first.status_code, first.json()["filters"]) == (201, [condition])
    again = http.put("/saved_searches/", json={"name": "mine"})
    assert (again.status_code, again.json()["id"], again.json()["filters"]) == (200, first.json()["id"], [])
    path = f"/saved_searches/{first.json()['id']}"
    assert http.get(path).json() == again.json()
    assert [one["name"] for one in http.post("/saved_searches/filter", json={}).json()] == ["mine"]
    assert http.delete(path).status_code == 204
    assert http.get(path).json() == {"detail": "Saved search not found"}

"""What forms ask: whether values fit a schema, whether a template can be read, what there is to choose from."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"},
        "b": {"type": "string", "minLength": 3, "pattern": "^x"},
        "l": {"type": "array", "items": {"type": "integer"}},
        "n": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "u": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "d": {"$ref": "#/definitions/D"},
    },
    "required": ["a"],
    "definitions": {"D": {"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"]}},
}


def validated(http: httpx.Client, values: Any, schema: Any = SCHEMA) -> Any:
    answer = http.post("/ui/schemas/validate", json={"schema": schema, "values": values})
    assert answer.status_code == 200, answer.text
    assert answer.json()["valid"] == (not answer.json()["errors"])
    return answer.json()["errors"]


def field(name: str, *errors: Any) -> dict[str, Any]:
    return {"property": name, "errors": list(errors)}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"a": 1}, []),
        ({}, [field("a", "'a' is a required property")]),
        ({"a": "x"}, [field("a", "'x' is not of type 'integer'")]),
        ({"a": None}, [field("a", "None is not of type 'integer'")]),
        ({"a": 1, "b": None, "l": None, "n": None}, []),
        ({"a": 1, "b": 2}, [field("b", "2 is not valid under any of the given schemas")]),
        ({"a": 1, "b": "a"}, [field("b", "'a' is too short"), field("b", "'a' does not match '^x'")]),
        ({"a": 1, "u": None}, [field("u", "None is not valid under any of the given schemas")]),
        (
            {"a": 1, "l": [1, "x", "y"]},
            [
                field(
                    "l",
                    {"index": 1, "errors": ["'x' is not of type 'integer'"]},
                    {"index": 2, "errors": ["'y' is not of type 'integer'"]},
                )
            ],
        ),
        ({"a": 1, "n": {}}, [field("n", field("x", "'x' is a required property"))]),
        ({"a": 1, "d": {"k": "s"}}, [field("d", field("k", "'s' is not of type 'integer'"))]),
    ],
)
def test_values_are_validated_field_by_field(http: httpx.Client, values: Any, errors: Any) -> None:
    assert validated(http, values) == errors


def test_errors_of_the_whole_are_texts(http: httpx.Client) -> None:
    closed = {**SCHEMA, "additionalProperties": False}
    assert validated(http, {"a": 1, "z": 1}, closed) == [
        "Additional properties are not allowed ('z' was unexpected)"
    ]


def kind(name: str | None, **fields: Any) -> dict[str, Any]:
    return {"__prefect_kind": name, **fields}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (kind("json", value="12"), None),
        (kind("json", value="{bad"), "Invalid JSON: Expecting property name enclosed in double quotes"),
        (kind("json"), "'a' is a required property"),
        (kind("json", value='"s"'), "'s' is not of type 'integer'"),
        (kind("none", value=12), None),
        (kind("none"), "Missing 'value' key in __prefect object"),
        (kind(None, value=3), None),
        (kind("jinja", template="{{ x }}"), None),
        (kind("jinja", template="{{ x "), "Invalid jinja: unexpected end of template"),
        (kind("jinja"), "Missing 'template' key in __prefect object"),
        (kind("workspace_variable", variable_name="absent"), "Variable 'absent' not found in workspace."),
        (kind("workspace_variable", variable_name="a_text"), "'3' is not of type 'integer'"),
        (kind("workspace_variable", variable_name="a_number"), None),
        (kind("other"), "None is not of type 'integer'"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_value_may_stand_for_another(http: httpx.Client, value: Any, error: str | None) -> None:
    for name, held in (("a_text", "3"), ("a_number", 3)):
        http.post("/variables/", json={"name": name, "value": held})
    errors = validated(http, {"a": value})
    if error is None:
        assert errors == []
    else:
        assert errors[0]["property"] == "a"
        assert errors[0]["errors"][0].startswith(error)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": "object", "properties": {"a": {"$ref": "#/definitions/Nope"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
    ],
    ids=["no-type", "no-definition", "elsewhere"],
)
def test_a_schema_that_is_none_is_refused_and_none_is_fetched(http: httpx.Client, schema: Any) -> None:
    answer = http.post("/ui/schemas/validate", json={"schema": schema, "values": {"a": 1}})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Invalid schema: ")
    assert "Connection refused" not in answer.text


@pytest.mark.parametrize("path", ["/templates/validate", "/automations/templates/validate"])
def test_templates(http: httpx.Client, path: str) -> None:
    two = "{% for a in b %}{% for c in a %}{{ c }}{% endfor %}{% endfor %}"
    for readable in ("", "{{ a }}", "{{ a|unknown }}", two, two + two):
        assert http.post(path, json=readable).status_code == 204
    assert http.post(path).status_code == 204
    broken = http.post(path, json="{{ a\n")
    assert broken.status_code == 422
    error = broken.json()["error"]
    assert error["source"] == "{{ a\n"
    assert error["line"] >= 1
    three = http.post(path, json="{% for x in y %}" + two + "{% endfor %}")
    assert (three.status_code, three.json()["error"]["line"]) == (422, 0)
    assert http.post(path, json=3).status_code == 422


def test_what_there_is_to_choose_from(http: httpx.Client) -> None:
    kinds = http.get("/collections/views/aggregate-worker-metadata").json()
    process = kinds["prefect"]["process"]
    template = process["default_base_job_configuration"]
    made = http.post(
        "/work_pools/", json={"name": "chosen", "type": "process", "base_job_template": template}
    )
    assert made.status_code == 201, made.text
    unknown = http.get("/collections/views/nope")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "View nope not found"})
    assert http.post("/block_types/install_system_block_types").json() is None


def test_states_that_were_observed(http: httpx.Client) -> None:
    flow = http.post("/flows/", json={"name": "observed"}).json()["id"]
    for name in ("Odd", "Even"):
        state = {"type": "COMPLETED", "name": name}
        http.post("/flow_runs/", json={"flow_id": flow, "state": state})
    found = http.get("/observed-states", params={"query": "OD"}).json()
    assert [(one["state_type"], one["state_name"]) for one in found] == [("COMPLETED", "Odd")]
    assert found[0]["first_seen"] <= found[0]["last_seen"]
    by_name = http.get("/observed-states", params={"query": "comp", "order_by": "NAME_ASC"}).json()
    assert [one["state_name"] for one in by_name] == sorted(one["state_name"] for one in by_name)
    assert {"Odd", "Even"} <= {one["state_name"] for one in by_name}
    assert len(http.get("/observed-states", params={"limit": 1}).json()) == 1
    assert http.get("/observed-states", params={"limit": 201}).status_code == 422
    assert http.get("/observed-states", params={"order_by": "bad"}).status_code == 422


def test_task_workers_are_listed_while_they_are_connected(
    http: httpx.Client, server_url: str, eventually: Any
) -> None:
    import json

    def listed(**asked: Any) -> list[str]:
        return [one["identifier"] for one in http.post("/task_workers/filter", json=asked).json()]

    url = server_url.replace("http", "ws") + "/api/task_runs/subscriptions/scheduled"
    with connect(url, subprotocols=["prefect"]) as worker:  # type: ignore[list-item]
        worker.send(json.dumps({"type": "auth", "token": None}))
        assert json.loads(worker.recv())["type"] == "auth_success"
        worker.send(json.dumps({"type": "subscribe", "keys": ["a", "b"], "client_id": "one"}))
        eventually(lambda: listed() == ["one"])
        assert listed(task_worker_filter={"task_keys": ["b", "z"]}) == ["one"]
        assert listed(task_worker_filter={"task_keys": ["z"]}) == []
    eventually(lambda: listed() == [])
    assert http.post("/task_workers/filter", json={"task_worker_filter": {}}).status_code == 422


def test_a_work_pool_may_be_named_like_a_list(http: httpx.Client) -> None:
    assert http.post("/work_pools/", json={"name": "filter"}).status_code == 201
    assert http.get("/work_pools/filter").json()["name"] == "filter"
    assert http.delete("/work_pools/filter").status_code == 204
    assert http.put("/work_pools/filter").status_code == 405

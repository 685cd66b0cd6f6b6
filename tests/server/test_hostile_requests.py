"""Requests that no client sends: whatever comes, the server says what was expected, and never fails for it."""

from __future__ import annotations

import json

import pytest

TOO_GREAT = 2**70
DEEP = "[" * 50_000 + "]" * 50_000
NOBODY = "0192f1a0-0000-7000-8000-000000000000"  # an id that nothing has


@pytest.fixture(scope="module")
def document(http):
    return http.get(str(http.base_url).replace("/api/", "/openapi.json")).json()


@pytest.fixture(scope="module")
def flow_id(http) -> str:
    return http.post("/flows/", json={"name": "hostile"}).json()["id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/concurrency_limits/", {"tag": "a", "concurrency_limit": TOO_GREAT}),
        ("/v2/concurrency_limits/", {"name": "a", "limit": 1, "denied_slots": TOO_GREAT}),
        ("/v2/concurrency_limits/", {"name": "b", "limit": 2**63}),
        ("/work_pools/", {"name": "a", "type": "process", "concurrency_limit": TOO_GREAT}),
        ("/flows/filter", {"offset": TOO_GREAT}),
        ("/logs/filter", {"logs": {"level": {"ge_": TOO_GREAT}}}),
        ("/flow_runs/filter", {"limit": TOO_GREAT}),
    ],
)
def test_numbers_beyond_64_bits_are_refused(http, path, body):
    answer = http.post(path, json=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("page", [2, 2**62, TOO_GREAT])
def test_a_page_beyond_the_last_is_empty(http, flow_id, page):
    answer = http.post(
        "/flows/paginate", json={"page": page, "limit": 5, "flows": {"id": {"any_": [flow_id]}}}
    )
    assert (answer.status_code, answer.json()["results"], answer.json()["count"]) == (200, [], 1)


def test_the_document_says_how_great_a_number_may_be(document):
    limit = document["components"]["schemas"]["ConcurrencyLimitV2Create"]["properties"]["limit"]
    assert (limit["minimum"], limit["maximum"]) == (0, 2**63 - 1)


def test_the_greatest_number_is_kept(http):
    made = http.post("/v2/concurrency_limits/", json={"name": "greatest", "limit": 2**63 - 1})
    assert made.status_code == 201
    assert http.get("/v2/concurrency_limits/greatest").json()["limit"] == 2**63 - 1


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
    ],
)
@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        ("/flow_runs/filter", lambda at: {"flow_runs": {"start_time": {"before_": at, "after_": at}}}),
        ("/flow_runs/count", lambda at: {"flow_runs": {"expected_start_time": {"after_": at}}}),
        ("/logs/filter", lambda at: {"logs": {"timestamp": {"before_": at}}}),
        ("/events/filter", lambda at: {"filter": {"occurred": {"since": at, "until": at}}}),
        ("/events/count-by/day", lambda at: {"filter": {"occurred": {"since": at, "until": at}}}),
        (
            "/flow_runs/history",
            lambda at: {"history_start": at, "history_end": at, "history_interval_seconds": 1},
        ),
        (
            "/task_runs/history",
            lambda at: {"history_start": at, "history_end": at, "history_interval_seconds": 1e9},
        ),
        ("/deployments/get_scheduled_flow_runs", lambda at: {"deployment_ids": [], "scheduled_before": at}),
    ],
)
def test_times_at_the_ends_of_the_calendar_do_no_harm(http, path, wrap, moment):
    assert http.post(path, json=wrap(moment)).status_code in {200, 422}


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"]
)
def test_runs_at_the_ends_of_the_calendar_are_kept(http, flow_id, moment):
    state = {"type": "SCHEDULED", "timestamp": moment, "state_details": {"scheduled_time": moment}}
    made = http.post("/flow_runs/", json={"flow_id": flow_id, "state": state})
    assert made.status_code in {201, 422}
    if made.status_code == 201:
        assert http.get(f"/flow_runs/{made.json()['id']}").status_code == 200
    assert http.post("/flow_runs/filter", json={}).status_code == 200
    assert http.post("/flow_runs/lateness", json={}).status_code == 200


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x00", "\ufffe\uffff", "𝕏" * 300, "'; DROP TABLE flow; --", "%_\\", ""]
)
def test_any_text_is_a_name_to_look_for(http, flow_id, text):
    assert (
        http.post("/flows/filter", json={"flows": {"name": {"any_": [text], "like_": text}}}).status_code
        == 200
    )
    assert http.post("/logs/filter", json={"logs": {"text": {"query": text}}}).status_code in {200, 422}
    assert http.post("/flow_runs/", json={"flow_id": flow_id, "name": text, "tags": [text]}).status_code in {
        201,
        422,
    }


@pytest.mark.parametrize(
    "path", ["/flows/name/%00", "/flows/name/%FF%FE", "/variables/name/%ED%A0%80", "/flows/%00"]
)
def test_paths_that_are_no_text_name_nothing(http, path):
    assert http.get(path).status_code in {404, 422}


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"name": NaN}',
        b"{",
        b"",
        b"\x00",
        DEEP.encode(),
        b'{"name": "deep", "tags": ' + DEEP.encode() + b"}",
        b"1" * 5_000,
        b'{"name": ' + b"1" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_is_refused(http, content):
    answer = http.post("/flows/", content=content)
    assert answer.status_code == 422
    assert answer.json()["exception_message"] == "Invalid request received."


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/variables/", "value"),
        ("/flow_runs/", "parameters"),
        ("/artifacts/", "data"),
    ],
)
def test_nesting_is_kept_or_refused(http, flow_id, path, field):
    for depth in (50, 150, 190, 250, 2_000):
        value = '{"a":' * depth + "1" + "}" * depth
        body = f'{{"name": "deep_{depth}", "key": "deep", "flow_id": "{flow_id}", "{field}": {value}}}'
        answer = http.post(path, content=body.replace('"key": "deep", ', "") if field == "value" else body)
        assert answer.status_code in {201, 422}, (depth, answer.text[:300])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/flow_runs/", {"flow_id": NOBODY}),
        ("POST", "/task_runs/", {"flow_run_id": NOBODY, "task_key": "t", "dynamic_key": "0"}),
        ("POST", "/deployments/", {"name": "d", "flow_id": NOBODY}),
        ("POST", "/block_schemas/", {"block_type_id": NOBODY, "fields": {}}),
        (
            "POST",
            "/block_documents/",
            {"block_type_id": NOBODY, "block_schema_id": NOBODY, "name": "x"},
        ),
        ("POST", "/artifacts/", {"flow_run_id": NOBODY, "task_run_id": NOBODY, "key": "a"}),
        ("POST", "/work_pools/none/queues", {"name": "q"}),
        ("PATCH", "/work_pools/none", {"default_queue_id": NOBODY}),
        ("POST", f"/deployments/{NOBODY}/create_flow_run", {}),
        ("POST", f"/flow_runs/{NOBODY}/set_state", {"state": {"type": "RUNNING"}}),
        ("POST", f"/flow_runs/{NOBODY}/input", {"key": "k", "value": "1"}),
    ],
)
def test_what_is_not_there_is_missed_and_not_a_failure(http, method, path, body):
    assert http.request(method, path, json=body).status_code in {201, 404, 409, 422}


def test_every_status_of_a_lease_is_in_the_document(http, document):
    paths = document["paths"]
    gone = http.post(f"/v2/concurrency_limits/leases/{NOBODY}/renew")
    assert gone.status_code == 410
    assert "410" in paths["/v2/concurrency_limits/leases/{lease_id}/renew"]["post"]["responses"]
    assert "423" in paths["/v2/concurrency_limits/increment"]["post"]["responses"]
    assert "200" in paths["/block_schemas/"]["post"]["responses"]
    assert http.put("/saved_searches/", json={"name": "s", "filters": []}).status_code == 201
    assert "201" in paths["/saved_searches/"]["put"]["responses"]


def test_the_document_is_json_that_all_can_read(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document

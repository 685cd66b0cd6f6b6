"""Log lines over HTTP, and through the client with and without a server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

from prefect.client.orchestration import SyncPrefectClient
from prefect.model.requests.logs import LogCreate, LogFilter, LogFilterFlowRunId, LogSort
from prefect.model.text_search import words_of

START = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def line(message="hello", second=0, level=20, **more):
    moment = (START + timedelta(seconds=second)).isoformat()
    return {"name": "prefect.flow_runs", "level": level, "message": message, "timestamp": moment, **more}


def messages(http, asked, **page):
    response = http.post("/logs/filter", json={"logs": asked, **page})
    assert response.status_code == 200, response.text
    return [one["message"] for one in response.json()]


def test_lines_are_recorded_once_and_read_in_the_order_of_time(http):
    run = str(uuid4())
    lines = [line(f"line {number}", second=number, flow_run_id=run) for number in (2, 0, 1)]
    for _ in range(2):  # the answer got lost: the client sends them again
        response = http.post("/logs/", json=lines)
        assert (response.status_code, response.json()) == (201, None)
    asked = {"flow_run_id": {"any_": [run]}}
    assert messages(http, asked) == ["line 0", "line 1", "line 2"]
    assert messages(http, asked, sort="TIMESTAMP_DESC", limit=1, offset=1) == ["line 1"]
    found = http.post("/logs/filter", json={"logs": asked, "limit": 1}).json()[0]
    assert {name: found[name] for name in ("name", "level", "message", "flow_run_id", "task_run_id")} == {
        "name": "prefect.flow_runs",
        "level": 20,
        "message": "line 0",
        "flow_run_id": run,
        "task_run_id": None,
    }


def test_the_same_line_twice_in_one_request_stays_two_lines(http):
    run = str(uuid4())
    http.post("/logs/", json=[line("again", flow_run_id=run)] * 2)
    assert messages(http, {"flow_run_id": {"any_": [run]}}) == ["again", "again"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"level": {"ge_": 30}}, ["careful", "broken file"]),
        ({"level": {"ge_": 30, "le_": 30}}, ["careful"]),
        ({"timestamp": {"after_": "2026-03-01T12:00:02Z"}}, ["broken file"]),
        ({"timestamp": {"before_": "2026-03-01T12:00:01Z"}}, ["hello World", "careful"]),
        ({"task_run_id": {"is_null_": True}}, ["hello World", "careful"]),
        ({"text": {"query": "WORLD file"}}, ["hello World", "broken file"]),
        ({"text": {"query": "+broken +file"}}, ["broken file"]),
        ({"text": {"query": "flow_runs -hello !careful"}}, ["broken file"]),
        ({"text": {"query": '"broken f"'}}, ["broken file"]),
        ({"text": {"query": "100%"}}, []),
        ({"text": {"query": ""}}, ["hello World", "careful", "broken file"]),
    ],
)
def test_a_filter_finds_them(http, asked, found):
    run, task_run = str(uuid4()), str(uuid4())
    http.post(
        "/logs/",
        json=[
            line("hello World", 0, 20, flow_run_id=run),
            line("careful", 1, 30, flow_run_id=run),
            line("broken file", 2, 40, flow_run_id=run, task_run_id=task_run),
        ],
    )
    assert messages(http, {"flow_run_id": {"any_": [run]}, **asked}) == found


def test_either_of_two_conditions(http):
    run, task_run = str(uuid4()), str(uuid4())
    http.post("/logs/", json=[line("a", flow_run_id=run), line("b", 1, task_run_id=task_run), line("c", 2)])
    either = {"flow_run_id": {"any_": [run]}, "task_run_id": {"any_": [task_run]}, "operator": "or_"}
    assert messages(http, either) == ["a", "b"]


def test_what_is_wrong_is_said(http):
    assert http.post("/logs/", json=[{"name": "x"}]).status_code == 422
    assert http.post("/logs/", json=[line(level=2**40)]).status_code == 422
    assert "Invalid limit" in http.post("/logs/filter", json={"limit": 201}).json()["detail"]


def test_the_client_writes_and_reads(client: SyncPrefectClient):
    run = uuid4()
    client.create_logs([LogCreate(**line("one", flow_run_id=run)), line("two", 1, flow_run_id=str(run))])
    asked = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
    assert [one.message for one in client.read_logs(asked)] == ["one", "two"]
    newest = client.read_logs(asked, limit=1, sort=LogSort.TIMESTAMP_DESC)
    assert [(one.message, one.flow_run_id) for one in newest] == [("two", run)]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("a b", "only B here", True),
        ("a b", "neither", False),
        ("-a", "none of it: x", True),
        ('+"x y" z', "x y z", True),
        ('+"x y" z', "x y", False),
        ('"open', "an open end", True),
    ],
)
def test_words_of_a_search(query, text, found):
    assert words_of(query).are_in(text) is found

"""Events over HTTP: emitted ones, and those that runs' states are shown as."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

from prefect._backend.protocol import NewFlowRun
from prefect._base.clock import now_us, to_us
from prefect._base.ids import new_id, new_uuid
from prefect._services import event_retention
from prefect.model.records import StateRecord

START = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
DURING = {"occurred": {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}}


def event(name="order.placed", second=0, resource="shop.1", **more):
    moment = START + timedelta(seconds=second)
    return {
        "event": name,
        "occurred": moment.isoformat(),
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": f"The {resource}"},
        "id": str(new_uuid()),
        **more,
    }


def related(id, role):
    return {"prefect.resource.id": id, "prefect.resource.role": role}


def search(http, asked, **more):
    response = http.post("/events/filter", json={"filter": {**DURING, **asked}, **more})
    assert response.status_code == 200, response.text
    return response.json()


def test_an_event_is_recorded_once_and_read_as_it_was_sent(http):
    sent = event(resource="once.1", payload={"a": [1, None]}, related=[related("city.7", "place")])
    for _ in range(2):
        assert http.post("/events", json=[sent]).status_code == 204
    page = search(http, {"resource": {"id": ["once.1"]}})
    assert (page["total"], page["next_page"]) == (1, None)
    found = page["events"][0]
    assert found.pop("received") > found["occurred"]
    assert found.pop("follows") is None
    assert datetime.fromisoformat(found.pop("occurred").replace("Z", "+00:00")).isoformat() == sent.pop(
        "occurred"
    )
    assert found == sent


def test_pages_follow_one_another(http):
    http.post("/events", json=[event(second=number, resource="paged.1") for number in range(5)])
    page = http.post(
        "/events/filter", json={"filter": {**DURING, "resource": {"id": ["paged.1"]}}, "limit": 2}
    ).json()
    times, pages = [], 0
    while True:
        pages += 1
        assert page["total"] == 5
        times += [one["occurred"] for one in page["events"]]
        if page["next_page"] is None:
            break
        page = http.get(page["next_page"]).json()
    assert pages == 3
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 5
    assert http.get("/events/filter/next", params={"page-token": "bm9uZQ=="}).status_code == 403
    assert http.get("/events/filter/next").status_code == 422


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"event": {"prefix": ["f.order."]}}, ["f.order.placed", "f.order.paid"]),
        ({"event": {"name": ["f.order.paid", "f.shop.open"]}}, ["f.order.paid", "f.shop.open"]),
        ({"event": {"prefix": ["f.order."], "exclude_name": ["f.order.paid"]}}, ["f.order.placed"]),
        ({"event": {"exclude_prefix": ["f.order."]}}, ["f.shop.open"]),
        ({"resource": {"id_prefix": ["f.shop"]}}, ["f.order.placed", "f.order.paid", "f.shop.open"]),
        ({"resource": {"labels": {"colour": ["red", "bl*"]}}}, ["f.order.paid", "f.shop.open"]),
        ({"resource": {"labels": {"colour": "!red"}}}, ["f.order.placed", "f.shop.open"]),
        ({"related": {"id": ["city.7"]}}, ["f.order.paid"]),
        ({"related": {"role": ["place"]}}, ["f.order.placed", "f.order.paid"]),
        ({"related": [{"role": ["place"]}, {"id": ["who.1"]}]}, ["f.order.placed"]),
        ({"related": {"resources_in_roles": [["city.8", "place"]]}}, ["f.order.placed"]),
        ({"any_resource": {"id": ["f.shop.2"]}}, ["f.shop.open"]),
        ({"any_resource": {"id_prefix": ["city."]}}, ["f.order.placed", "f.order.paid"]),
        ({"text": {"query": "PAID"}}, ["f.order.paid"]),
        ({"text": {"query": "42"}}, ["f.order.placed"]),
        ({"order": "DESC", "event": {"prefix": ["f."]}}, ["f.shop.open", "f.order.paid", "f.order.placed"]),
    ],
)
def test_a_filter_finds_them(http, asked, names):
    sent = [
        event("f.order.placed", 0, "f.shop.1", related=[related("city.8", "place"), related("who.1", "by")]),
        event("f.order.paid", 1, "f.shop.1", related=[related("city.7", "place")]),
        event("f.shop.open", 2, "f.shop.2"),
    ]
    sent[0]["payload"] = {"sum": 42}
    sent[1]["resource"]["colour"] = "red"
    sent[2]["resource"]["colour"] = "blue"
    http.post("/events", json=sent)
    ids = [one["id"] for one in sent]
    page = search(http, {"order": "ASC", "id": {"id": ids}, **asked})
    assert [one["event"] for one in page["events"]] == names
    assert page["total"] == len(names)


def test_what_is_wrong_is_said(http):
    assert http.post("/events", json=[{"event": "x", "resource": {}}]).status_code == 422
    assert http.post("/events", json=[event(related=[{"prefect.resource.id": "no role"}])]).status_code == 422
    assert http.post("/events/filter", json={"limit": 201}).status_code == 422
    day = {"occurred": {"since": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}}
    seconds = http.post("/events/count-by/time", json={"filter": day, "time_unit": "second"})
    assert (seconds.status_code, "at most 1000" in seconds.json()["detail"]) == (422, True)


def test_they_are_counted(http):
    events = [event("counted.a", second, f"counted.{second % 2}") for second in (0, 30, 60)]
    http.post("/events", json=[*events, event("counted.b", 90, "counted.1")])
    window = {"since": "2026-05-01T12:00:00Z", "until": "2026-05-01T12:03:00Z"}
    asked = {
        "filter": {"occurred": window, "event": {"prefix": ["counted."]}},
        "time_unit": "minute",
        "time_interval": 1,
    }
    by_name = http.post("/events/count-by/event", json=asked).json()
    assert [(one["value"], one["count"]) for one in by_name] == [("counted.a", 3), ("counted.b", 1)]
    assert by_name[0]["start_time"] == "2026-05-01T12:00:00Z"
    assert by_name[0]["end_time"] == "2026-05-01T12:01:00Z"
    by_resource = http.post("/events/count-by/resource", json=asked).json()
    assert {one["label"]: one["count"] for one in by_resource} == {"The counted.0": 3, "The counted.1": 1}
    by_time = http.post("/events/count-by/time", json=asked).json()
    assert [(one["value"], one["count"]) for one in by_time] == [("0", 2), ("1", 2), ("2", 0)]
    assert by_time[0]["end_time"] == "2026-05-01T12:00:59.999999Z"


@pytest.fixture(scope="module")
def flow_run(backend):
    """A flow run that went from Pending over Running to Failed on a day of its own."""
    times = [to_us(datetime(2026, 4, 1, 12, second, tzinfo=timezone.utc)) for second in range(3)]
    states = [
        StateRecord(new_id(), kind, kind.title(), moment, message)
        for kind, moment, message in zip(("PENDING", "RUNNING", "FAILED"), times, (None, None, "No luck"))
    ]
    run = backend.create_flow_run(
        NewFlowRun(new_id(), f"flow-{uuid4()}", "lucky", states[0], {}, tags=("blue",)), executes=False
    )
    for state in states[1:]:
        assert backend.propose_flow_run_state(run.id, state).status == "ACCEPT"
    return backend.read_flow_run(run.id)


APRIL = {"occurred": {"since": "2026-04-01T00:00:00Z", "until": "2026-04-02T00:00:00Z"}, "order": "ASC"}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Pending", "Running", "Failed"]),
        ({"event": {"prefix": ["prefect.flow-run."]}}, ["Pending", "Running", "Failed"]),
        ({"event": {"name": ["prefect.flow-run.Failed"]}}, ["Failed"]),
        ({"event": {"exclude_name": ["prefect.flow-run.Failed"]}}, ["Pending", "Running"]),
        ({"event": {"prefix": ["order."]}}, []),
        ({"resource": {"id_prefix": ["prefect.flow-run."]}}, ["Pending", "Running", "Failed"]),
        ({"resource": {"id_prefix": ["prefect.flow-run.0000"]}}, []),
        ({"resource": {"id": ["prefect.flow-run.nonsense"]}}, []),
        ({"resource": {"labels": {"prefect.state-type": "RUNNING"}}}, ["Running"]),
        ({"related": {"id": ["prefect.tag.blue"]}}, ["Pending", "Running", "Failed"]),
        ({"related": {"id": ["prefect.tag.red"]}}, []),
        ({"related": {"role": ["tag"]}}, ["Pending", "Running", "Failed"]),
        ({"text": {"query": '"no luck" -other'}}, ["Failed"]),
    ],
)
def test_states_of_flow_runs_are_events(http, flow_run, asked, names):
    page = search(http, {**APRIL, **asked})
    assert [one["event"] for one in page["events"]] == [f"prefect.flow-run.{name}" for name in names]
    assert page["total"] == len(names)


def test_such_an_event_says_what_happened(http, flow_run):
    from uuid import UUID

    run, flow = UUID(bytes=flow_run.id), UUID(bytes=flow_run.flow_id)
    page = search(http, {**APRIL, "any_resource": {"id": [f"prefect.flow-run.{run}"]}})
    pending, running, failed = page["events"]
    assert (pending["follows"], running["follows"], failed["follows"]) == (None, pending["id"], running["id"])
    assert failed["resource"] == {
        "prefect.resource.id": f"prefect.flow-run.{run}",
        "prefect.resource.name": "lucky",
        "prefect.run-count": "1",
        "prefect.state-message": "No luck",
        "prefect.state-name": "Failed",
        "prefect.state-timestamp": "2026-04-01T12:02:00+00:00",
        "prefect.state-type": "FAILED",
    }
    assert failed["related"][0] == {
        "prefect.resource.id": f"prefect.flow.{flow}",
        "prefect.resource.role": "flow",
        "prefect.resource.name": flow_run.flow_name,
    }
    assert failed["payload"]["intended"] == {"from": "RUNNING", "to": "FAILED"}
    assert failed["payload"]["initial_state"] == {"type": "RUNNING", "name": "Running"}


def test_old_events_are_forgotten(http, backend):
    names = [f"kept-{uuid4()}" for _ in range(2)]
    http.post("/events", json=[event(name, related=[related("x.1", "y")]) for name in names])
    asked = {"event": {"name": names}}
    assert event_retention.run_once(backend, now_us(), keep_seconds=3600) == 0
    assert search(http, asked)["total"] == 2
    assert event_retention.run_once(backend, now_us() + 1, keep_seconds=0) >= 2
    assert search(http, asked)["total"] == 0
    with backend.store.write() as cx:
        assert cx.rows("SELECT event_id FROM event_resource") == []

"""The websockets, asked by a websocket client as a Prefect client does."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from prefect._backend.protocol import NewFlowRun
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.model.records import StateRecord
from prefect.model.runs import TaskRun
from prefect.server.app import create_app
from prefect.settings import temporary_settings
from server.conftest import serving

AUTH = {"type": "auth", "token": None}
DATA = Path(__file__).parent / "data"
RECORDED = [json.loads(line) for line in (DATA / "client_events.jsonl").read_text().splitlines()]
REPORTS = [event for event in RECORDED if event["event"].startswith("prefect.task-run.")]


@contextmanager
def talking(
    server_url: str, path: str, *sent, subprotocol: str | None = "prefect"
) -> Iterator[ClientConnection]:
    url = server_url.replace("http", "ws", 1) + f"/api{path}"
    with connect(url, subprotocols=[subprotocol] if subprotocol else None) as socket:
        for message in sent:
            socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
        yield socket


def report(server_url: str, events) -> None:
    """Send events as a client does; all of them are recorded when this returns."""
    with talking(server_url, "/events/in", AUTH) as socket:
        assert json.loads(socket.recv()) == {"type": "auth_success"}
        for event in events:
            socket.send(json.dumps(event))
    # the close is answered at once, the last batch is written right after


def shown(backend, run_id: str) -> dict:
    return TaskRun.from_record(backend.read_task_run(UUID(run_id))).model_dump(mode="json")


def run_id_of(event) -> str:
    return event["resource"]["prefect.resource.id"].rpartition(".")[2]


def states_of(backend, run_id: str) -> list[str]:
    return [state.name for state in backend.read_task_run_states(UUID(run_id))]


RUNS = {run_id_of(event): [one for one in REPORTS if run_id_of(one) == run_id_of(event)] for event in REPORTS}


@pytest.mark.parametrize("order", ["as-sent", "backwards", "shuffled", "twice"])
def test_task_runs_of_a_real_client_become_rows(server_url, backend, eventually, order):
    with backend.store.write() as cx:
        cx.execute("DELETE FROM task_run")
    events = list(RECORDED)
    if order == "backwards":
        events.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(events)
    elif order == "twice":
        events += events
    report(server_url, events)
    for run_id, reports in RUNS.items():
        names = [one["event"].rpartition(".")[2] for one in reports]
        eventually(lambda run_id=run_id, names=names: states_of(backend, run_id) == names)
        last = reports[-1]
        run, told = shown(backend, run_id), last["payload"]["task_run"]
        assert run["state_type"] == last["resource"]["prefect.state-type"]
        assert run["state"]["message"] == (last["resource"]["prefect.state-message"] or None)
        for name in (
            "name",
            "task_key",
            "dynamic_key",
            "tags",
            "run_count",
            "flow_run_run_count",
            "task_inputs",
        ):
            assert run[name] == told[name], name
        for name in ("start_time", "end_time", "expected_start_time"):
            assert run[name] == told.get(name), name
        assert run["total_run_time"] == pytest.approx(told["total_run_time"])
        assert run["empirical_policy"]["retries"] == (told["empirical_policy"]["retries"] or None)


def closed(socket: ClientConnection) -> tuple[int, str]:
    """How the server closes the connection, whatever it says before."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            socket.recv(timeout=10)
    frame = caught.value.rcvd
    return (frame.code, frame.reason) if frame else (0, "")


@pytest.mark.parametrize(
    ("path", "messages", "code"),
    [
        ("/events/in", ["nonsense"], 1008),
        ("/events/in", [{"type": "filter"}], 1008),
        ("/events/in", [AUTH, "nonsense"], 1002),
        ("/events/in", [AUTH, "[1]"], 1002),
        ("/events/in", [AUTH, b"\xff\xfe"], 1002),
        ("/events/in", [AUTH, '{"a": "\\ud800"}'], 1002),
        ("/events/out", [AUTH, {"type": "other"}], 1002),
        ("/events/out", [AUTH, {"type": "filter", "filter": {"occurred": 7}}], 1002),
        ("/logs/out", [AUTH], 1008),  # it is off
        ("/task_runs/subscriptions/scheduled", [AUTH, {"type": "other"}], 4001),
        ("/task_runs/subscriptions/scheduled", [AUTH, {"type": "subscribe", "keys": []}], 4001),
        ("/task_runs/subscriptions/scheduled", [AUTH, {"type": "subscribe", "keys": [1]}], 4001),
        (
            "/task_runs/subscriptions/scheduled",
            [AUTH, {"type": "subscribe", "keys": ["k"]}, {"type": "ack"}],
            4001,
        ),
    ],
)
def test_what_is_no_part_of_the_protocol_closes_the_connection(server_url, path, messages, code):
    with talking(server_url, path, *messages) as socket:
        assert closed(socket)[0] == code


def test_older_clients_talk_at_once(server_url, backend, eventually):
    run_id, reports = next(iter(RUNS.items()))
    with backend.store.write() as cx:
        cx.execute("DELETE FROM task_run")
    with talking(server_url, "/events/in", *reports, subprotocol=None):
        eventually(lambda: len(states_of(backend, run_id)) == len(reports))


def test_other_events_are_kept_as_events(server_url, http, eventually):
    heartbeat = next(event for event in RECORDED if event["event"] == "prefect.flow-run.heartbeat")
    report(server_url, [{"no": "event"}, heartbeat])
    asked = {
        "filter": {
            "id": {"id": [heartbeat["id"]]},
            "occurred": {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"},
        }
    }
    eventually(lambda: http.post("/events/filter", json=asked).json()["total"] == 1)
    found = http.post("/events/filter", json=asked).json()["events"][0]
    assert found.pop("received")
    assert found == heartbeat


def now_text() -> str:
    return datetime.now(timezone.utc).isoformat()


def an_event(name: str) -> dict:
    return {
        "event": name,
        "occurred": now_text(),
        "resource": {"prefect.resource.id": "a.1"},
        "id": str(uuid4()),
    }


def following(server_url, asked, **more):
    return talking(server_url, "/events/out", AUTH, {"type": "filter", "filter": asked, **more})


def next_event(socket) -> dict:
    message = json.loads(socket.recv(timeout=10))
    assert message["type"] == "event"
    return message["event"]


def test_events_are_followed_from_the_last_minutes_on(server_url, http):
    name = f"followed-{uuid4()}"
    http.post("/events", json=[an_event(f"{name}.past"), an_event("other")])
    with following(server_url, {"event": {"prefix": [name]}}) as socket:
        assert json.loads(socket.recv()) == {"type": "auth_success"}
        assert next_event(socket)["event"] == f"{name}.past"
        http.post("/events", json=[an_event("other"), an_event(f"{name}.now")])
        assert next_event(socket)["event"] == f"{name}.now"
    with following(server_url, {"event": {"prefix": [name]}}, backfill=False) as socket:
        socket.recv()
        http.post("/events", json=[an_event(f"{name}.later")])
        assert next_event(socket)["event"] == f"{name}.later"


def a_flow_run(backend) -> bytes:
    state = StateRecord(new_id(), "PENDING", "Pending", now_us())
    return backend.create_flow_run(NewFlowRun(new_id(), "followed", "f-1", state, {}), executes=False).id


def test_states_of_flow_runs_are_followed(server_url, backend):
    run_id = a_flow_run(backend)
    asked = {"resource": {"id": [f"prefect.flow-run.{UUID(bytes=run_id)}"]}}
    with following(server_url, asked) as socket:
        socket.recv()
        assert next_event(socket)["event"] == "prefect.flow-run.Pending"
        for kind in ("Running", "Completed"):
            backend.propose_flow_run_state(run_id, StateRecord(new_id(), kind.upper(), kind, now_us()))
        events = [next_event(socket) for _ in range(2)]
    assert [event["event"] for event in events] == ["prefect.flow-run.Running", "prefect.flow-run.Completed"]
    assert events[1]["follows"] == events[0]["id"]
    stored = [UUID(bytes=state.id) for state in backend.read_flow_run_states(run_id)]
    assert [UUID(event["id"]) for event in events] == stored[1:]


def test_task_runs_are_followed_and_read_later_as_the_same_events(server_url, http):
    run_id = str(uuid4())
    reports = json.loads(
        json.dumps(RUNS[max(RUNS, key=lambda one: len(RUNS[one]))]).replace(
            max(RUNS, key=lambda one: len(RUNS[one])), run_id
        )
    )
    start = datetime.now(timezone.utc)
    for number, one in enumerate(reports):
        one["id"] = str(uuid4())
        one["resource"]["prefect.state-timestamp"] = (start + timedelta(microseconds=number)).isoformat()
    resource = {"id": [f"prefect.task-run.{run_id}"]}
    with following(server_url, {"resource": resource}) as socket:
        socket.recv()
        report(server_url, reports)
        told = [next_event(socket) for _ in reports]
    assert [event["event"] for event in told] == [one["event"] for one in reports]
    for event, sent in zip(told, reports):
        assert event["resource"] == {
            k: v for k, v in sent["resource"].items() if k != "prefect.orchestration"
        }
        for name in ("type", "name", "data"):
            assert event["payload"]["validated_state"][name] == sent["payload"]["validated_state"][name]
        for name in ("name", "task_key", "dynamic_key", "run_count"):
            assert event["payload"]["task_run"][name] == sent["payload"]["task_run"][name]
    page = http.post("/events/filter", json={"filter": {"resource": resource, "order": "ASC"}}).json()
    assert page["events"] == told


def test_log_lines_are_followed(backend):
    run_id = str(uuid4())
    with (
        temporary_settings({"PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": True}),
        serving(create_app(lambda: backend)) as url,
    ):
        asked = {"flow_run_id": {"any_": [run_id]}, "level": {"ge_": 30}}
        with talking(url, "/logs/out", AUTH, {"type": "filter", "filter": asked}) as socket:
            socket.recv()
            line = {"name": "n", "message": "m", "timestamp": now_text(), "flow_run_id": run_id}
            lines = [{**line, "level": 20}, {**line, "level": 40}]
            for _ in range(50):  # the server may not have read the filter yet
                httpx.post(f"{url}/api/logs/", json=lines)
                try:
                    message = json.loads(socket.recv(timeout=0.2))
                    break
                except TimeoutError:
                    lines[1]["message"] += "."
    assert message["type"] == "log"
    assert (message["log"]["level"], message["log"]["flow_run_id"]) == (40, run_id)


def defer(http, key: str, **details) -> str:
    state = {
        "type": "SCHEDULED",
        "state_details": {"deferred": True, "task_parameters_id": str(uuid4()), **details},
    }
    asked = {"name": "later", "task_key": key, "dynamic_key": str(uuid4()), "state": state}
    return http.post("/task_runs/", json=asked).json()["id"]


def subscribed(server_url, *keys):
    subscribe = {"type": "subscribe", "keys": list(keys), "client_id": "worker"}
    return talking(server_url, "/task_runs/subscriptions/scheduled", AUTH, subscribe)


def test_background_runs_are_handed_out_one_by_one(server_url, http):
    key, other = f"task-{uuid4()}", f"other-{uuid4()}"
    first = defer(http, key)
    defer(http, other)
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    defer(http, key, scheduled_time=later)
    http.post("/task_runs/", json={"task_key": key, "dynamic_key": "x", "state": {"type": "SCHEDULED"}})
    with subscribed(server_url, key) as socket:
        socket.recv()
        run = json.loads(socket.recv(timeout=10))
        assert (run["id"], run["state"]["state_details"]["deferred"]) == (first, True)
        second = defer(http, key)
        socket.send('{"type": "ack"}')
        assert json.loads(socket.recv(timeout=10))["id"] == second
        socket.send('{"type": "quit"}')
        assert closed(socket)[0] == 1000
    with subscribed(server_url, key) as socket:
        socket.recv()
        assert json.loads(socket.recv(timeout=10))["id"] == second, "it was not acknowledged"
        socket.send('{"type": "ack"}')
        third = defer(http, key)
        assert json.loads(socket.recv(timeout=10))["id"] == third


def test_a_run_whose_worker_vanishes_goes_to_the_next_one(server_url, http):
    key = f"task-{uuid4()}"
    run_id = defer(http, key)
    with subscribed(server_url, key) as socket:
        socket.recv()
        assert json.loads(socket.recv(timeout=10))["id"] == run_id
        with subscribed(server_url, key) as waiting:
            waiting.recv()
            socket.socket.close()  # without a word
            assert json.loads(waiting.recv(timeout=10))["id"] == run_id


def test_two_workers_never_get_the_same_run(server_url, http):
    key = f"task-{uuid4()}"
    runs = {defer(http, key) for _ in range(10)}
    with subscribed(server_url, key) as one, subscribed(server_url, key) as two:
        got = []
        for socket in (one, two):
            socket.recv()
        while len(got) < 10:
            for socket in (one, two):
                try:
                    got.append(json.loads(socket.recv(timeout=0.6))["id"])
                    socket.send('{"type": "ack"}')
                except TimeoutError:
                    continue
    assert sorted(got) == sorted(runs)


def test_where_users_log_in_a_token_is_asked_for(backend):
    with (
        temporary_settings({"PREFECT_SERVER_API_AUTH_STRING": "me:secret"}),
        serving(create_app(lambda: backend)) as url,
    ):
        for path in ("/events/in", "/events/out", "/task_runs/subscriptions/scheduled"):
            for token in (None, "me:wrong", 7):
                with talking(url, path, {"type": "auth", "token": token}) as socket:
                    assert closed(socket)[0] == 1008
            with talking(url, path, {"type": "auth", "token": "me:secret"}) as socket:
                assert json.loads(socket.recv(timeout=10)) == {"type": "auth_success"}
            with pytest.raises(InvalidStatus), talking(url, path, subprotocol=None):
                pass


FRAMES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ).map(json.dumps),
    st.sampled_from(["auth", "filter", "subscribe", "ack", "quit"]).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"type": st.just(kind)},
            optional={
                "token": st.none() | st.text(max_size=5),
                "keys": st.lists(st.text(max_size=3), max_size=2) | st.integers(),
                "filter": st.none()
                | st.dictionaries(
                    st.sampled_from(["event", "occurred", "level", "text"]),
                    st.none()
                    | st.integers()
                    | st.dictionaries(
                        st.sampled_from(["prefix", "query", "since", "ge_"]),
                        st.text(max_size=3) | st.integers(),
                    ),
                ),
                "backfill": st.booleans(),
            },
        ).map(json.dumps)
    ),
    st.sampled_from(REPORTS)
    .flatmap(
        lambda event: st.tuples(
            st.just(event),
            st.sampled_from(["resource", "payload", "related", "event", "id", "occurred"]),
            st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=1),
        )
    )
    .map(lambda cut: json.dumps({**cut[0], cut[1]: cut[2]})),
)


@pytest.mark.parametrize(
    "path", ["/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled"]
)
def test_no_frames_hurt_the_server(backend, path):
    """Whatever comes, in whatever order: the server answers on, and nothing of the connection stays behind."""
    tasks: list[int] = []

    class Counting:
        """Counts the tasks of the loop that serves."""

        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if scope["type"] == "http" and scope["path"] == "/tasks":
                tasks.append(len(asyncio.all_tasks()))
            await self.app(scope, receive, send)

    settings = {"PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": True}
    with temporary_settings(settings), serving(Counting(create_app(lambda: backend))) as url:

        @hypothesis.settings(
            max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(st.booleans(), st.booleans(), st.lists(FRAMES, max_size=5))
        def talk(with_protocol, with_auth, frames):
            first = [AUTH] if with_auth else []
            with talking(url, path, *first, subprotocol="prefect" if with_protocol else None) as socket:
                try:
                    for frame in frames:
                        socket.send(frame)
                except ConnectionClosed:
                    return

        def count():
            httpx.get(f"{url}/tasks")
            return tasks[-1]

        at_first = count()
        talk()
        deadline = time.monotonic() + 15
        while count() > at_first:
            assert time.monotonic() < deadline, f"{tasks[-1] - at_first} tasks are left"
            time.sleep(0.05)
        assert httpx.get(f"{url}/api/health").json() is True

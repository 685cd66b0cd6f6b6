"""Flows that report to a server: batches that are written once, leases that a server keeps, who may report."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from prefect import flow, get_run_logger, task
from prefect._backend import reaper, remote, resolve, wire
from prefect._backend.connecting import Access
from prefect._backend.http import HttpBackend
from prefect._backend.line import Away, Refusal
from prefect._backend.local import LocalBackend
from prefect._backend.presence import own_record
from prefect._backend.protocol import NewFlowRun
from prefect._base import procinfo
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import processes
from prefect._storage.filters import Condition
from prefect.exceptions import Abort, CancelledRun, ObjectNotFound
from prefect.model.records import LogRecord, StateRecord, TaskRunRecord
from prefect.server.app import create_app
from prefect.settings import temporary_settings

from .conftest import serving


@pytest.fixture
def elsewhere(server_url: str, tmp_path: Path):
    """A process's backend over HTTP."""
    made = HttpBackend(
        Access(f"{server_url}/api"), poll_seconds=0.05, max_rows=1000, patience=20, folder=tmp_path / "spill"
    )
    yield made
    made.close()


@pytest.fixture
def over_http(server_url: str, tmp_path: Path):
    """Flows of this test report to the server of this module."""
    changes = {"PREFECT_API_URL": f"{server_url}/api", "PREFECT_HOME": str(tmp_path)}
    with temporary_settings({**changes, "PREFECT_RUNS_CANCEL_POLL_SECONDS": "0.05"}):
        yield
        resolve.close(f"{server_url}/api")


def a_state(state_type: str, details: dict | None = None) -> StateRecord:
    return StateRecord(new_id(), state_type, state_type.title(), now_us(), None, None, details)


def a_run(name: str = "a-run") -> NewFlowRun:
    return NewFlowRun(
        id=new_id(),
        flow_name="reported",
        name=name,
        state=a_state("PENDING"),
        parameters={"x": [1, {"y": None}], "ø": float("inf")},
        parameters_pickle=b"\x00\xff",
        tags=("a", "b"),
        policy={"retries": 1},
    )


def a_task_run(flow_run_id: bytes | None, state_type: str = "COMPLETED", attempt: int = 1) -> TaskRunRecord:
    now = now_us()
    return TaskRunRecord(
        new_id(),
        flow_run_id,
        attempt,
        "k",
        "k-1",
        now,
        1,
        None,
        None,
        "k:0",
        state_type,
        state_type.title(),
        now,
    )


def batch(sender: HttpBackend, number: int, **more: object) -> dict:
    return {"number": number, **sender.presence.sender(), **more}


# --- flows ----------------------------------------------------------------------------------------------


def test_a_flow_with_all_that_belongs_to_it_is_on_record(over_http, backend: LocalBackend):
    @task
    def double(x):
        get_run_logger().warning("doubling %d", x)
        return 2 * x

    @task(retries=1)
    def flaky():
        seen.append(1)
        if len(seen) == 1:
            raise ValueError("not yet")

    @flow
    def child():
        return double(4)

    @flow
    def parent():
        futures = double.map([1, 2, 3])
        flaky()
        return sum(f.result() for f in futures) + child()

    seen: list[int] = []
    assert parent() == 20
    (run,) = backend.find_flow_runs(flow_names=["parent"])
    assert [s.name for s in backend.read_flow_run_states(run.id)] == ["Pending", "Running", "Completed"]
    assert backend.count_task_runs(run.id) == {"COMPLETED": 5}
    assert run.owner is None
    (subflow,) = backend.find_flow_runs(flow_names=["child"])
    assert subflow.parent_flow_run_id == run.id
    messages = Counter(line.message for line in backend.find_logs(flow_run_id=run.id))
    assert messages["doubling 2"] == 1
    flaky_run = next(r for r in backend.find_task_runs(flow_run_ids=[run.id]) if r.name.startswith("flaky"))
    assert [s.name for s in backend.read_task_run_states(flaky_run.id)][-2:] == ["Retrying", "Completed"]


def test_what_json_cannot_hold_arrives_as_it_was(elsewhere: HttpBackend, backend: LocalBackend):
    made = elsewhere.create_flow_run(a_run(), executes=True)
    assert backend.read_flow_run(made.id) == made == elsewhere.read_flow_run(made.id)
    assert made.owner == elsewhere.process_id()
    row = a_task_run(made.id)._replace(result=b"\x80pickle", inputs_digest=b"d", detail='{"tags":["ø"]}')
    deliver_rows(elsewhere, [row])
    assert elsewhere.read_task_run(row.id) == row
    assert elsewhere.find_task_runs(where=[Condition("id", "in", [row.id])]) == [row]


def test_verbs_raise_here_what_they_raise_there(elsewhere: HttpBackend):
    made = elsewhere.create_flow_run(a_run(), executes=True)
    with pytest.raises(Abort, match="another process"):
        elsewhere.open_attempt(made.id)
    with pytest.raises(ObjectNotFound):
        elsewhere.read_flow_run(new_id())


def test_a_run_is_cancelled_from_elsewhere(over_http, backend: LocalBackend):
    entered = threading.Event()

    @flow
    def endless():
        entered.set()
        threading.Event().wait(60)

    def cancel():
        assert entered.wait(20)
        (run,) = backend.find_flow_runs(flow_names=["endless"])
        backend.propose_flow_run_state(run.id, a_state("CANCELLING"))

    asking = threading.Thread(target=cancel)
    asking.start()
    with pytest.raises(CancelledRun):
        endless()
    asking.join()
    (run,) = backend.find_flow_runs(flow_names=["endless"])
    assert run.state.name == "Cancelled"


def test_a_process_with_a_url_of_its_own_reports_there(
    server_url: str, backend: LocalBackend, tmp_path: Path
):
    program = "from prefect import flow\n@flow\ndef outside(): return 1\noutside()"
    environment = {"PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": f"{server_url}/api"}
    source = str(Path(__file__).parents[2] / "src")
    subprocess.run(
        [sys.executable, "-c", program], env={**environment, "PYTHONPATH": source}, check=True, timeout=60
    )
    (run,) = backend.find_flow_runs(flow_names=["outside"])
    assert run.state.type == "COMPLETED"
    assert not (tmp_path / "pluperfect.db").exists()


# --- batches ----------------------------------------------------------------------------------------------


def deliver_rows(sender: HttpBackend, rows: list[TaskRunRecord]) -> None:
    with sender.journal.transaction() as parcel:
        sender.outbox.record(parcel, [tuple(row) for row in rows], ())
    sender.outbox.deliver()


def test_a_batch_that_comes_again_is_acknowledged_and_not_written_again(
    http: httpx.Client, elsewhere: HttpBackend, backend: LocalBackend
):
    new = a_run()
    arguments = remote.VERBS["create_flow_run"].pack({"new": new, "executes": True, "running": None})
    line = LogRecord(new_id(), now_us(), 20, "test", "once", new.id)
    message = batch(
        elsewhere, 1, verb="create_flow_run", arguments=arguments, logs=[wire.packer(wire.LOG)(line)]
    )
    first = http.post("/pluperfect/batches", content=wire.dumps(message))
    again = http.post("/pluperfect/batches", content=wire.dumps(message))
    assert (first.status_code, first.json()) == (200, again.json())
    assert [s.name for s in backend.read_flow_run_states(new.id)] == ["Pending"]
    assert len(backend.find_logs(flow_run_id=new.id)) == 1
    row = a_task_run(new.id, "RUNNING")
    late = batch(elsewhere, 1, rows=[wire.packer(wire.TASK_RUN)(row)])
    assert http.post("/pluperfect/batches", content=wire.dumps(late)).status_code == 200
    assert backend.find_task_runs(flow_run_ids=[new.id]) == []


def test_a_batch_is_written_whole_or_not_at_all(
    http: httpx.Client, elsewhere: HttpBackend, backend: LocalBackend
):
    made = elsewhere.create_flow_run(a_run(), executes=True)
    good, bad = a_task_run(made.id), a_task_run(made.id)._replace(state_message="half \ud800")
    message = batch(elsewhere, 99, rows=[wire.packer(wire.TASK_RUN)(row) for row in (good, bad)])
    assert http.post("/pluperfect/batches", content=wire.dumps(message)).status_code == 422
    assert backend.find_task_runs(flow_run_ids=[made.id]) == []
    message["rows"].pop()
    assert http.post("/pluperfect/batches", content=wire.dumps(message)).status_code == 200
    assert backend.find_task_runs(flow_run_ids=[made.id]) == [good]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("batches", b"no json"),
        ("batches", b"[]"),
        ("batches", b"[" * 100_000),
        ("batches", {"number": "1"}),
        ("batches", {"rows": [[1, 2]]}),
        ("batches", {"rows": [["AA==", *[None] * 20]]}),
        ("batches", {"number": 2**70}),
        ("batches", {"verb": "close", "arguments": {}}),
        ("batches", {"verb": "read_flow_run", "arguments": {"run_id": "AA=="}}),
        ("batches", {"verb": "update_flow_run", "arguments": {"run_id": "AA==", "changes": {"attempt": 9}}}),
        (
            "batches",
            {"verb": "update_flow_run", "arguments": {"run_id": "AA==", "changes": {"name = 1 --": ""}}},
        ),
        ("ask", {"verb": "acting_for", "arguments": {}}),
        ("ask", {"verb": "find_flow_runs", "arguments": {"where": [["1=1) --", "=", 1]]}}),
        ("ask", {"verb": "find_flow_runs", "arguments": {"where": [["name", "; DROP", 1]]}}),
        ("ask", {"verb": "find_flow_runs", "arguments": {"where": [["name", "=", {"a": 1}]]}}),
        ("beats", {"process": []}),
    ],
)
def test_what_no_client_of_ours_says_is_refused(http: httpx.Client, elsewhere: HttpBackend, path, message):
    if isinstance(message, dict):
        message = json.dumps(message if path == "ask" else batch(elsewhere, 1) | message).encode()
    answer = http.post(f"/pluperfect/{path}", content=message)
    assert (answer.status_code, "own client" in answer.json()["detail"]) == (422, True)


def test_rows_of_a_superseded_attempt_are_refused(elsewhere: HttpBackend, backend: LocalBackend):
    made = elsewhere.create_flow_run(a_run(), executes=True)
    elsewhere.leave_flow_run(made.id, unfinished=True)
    elsewhere.journal.commit()
    again = backend.open_attempt(made.id)
    assert again.attempt == 2
    deliver_rows(elsewhere, [a_task_run(made.id)])
    assert backend.find_task_runs(flow_run_ids=[made.id]) == []
    answer = elsewhere.propose_flow_run_state(made.id, a_state("COMPLETED"), attempt=1)
    assert answer.status == "ABORT"


def test_many_rows_go_in_several_batches(elsewhere: HttpBackend, backend: LocalBackend):
    made = elsewhere.create_flow_run(a_run(), executes=True)
    rows = [a_task_run(made.id)._replace(result=b"x" * 5_000) for _ in range(2_500)]
    deliver_rows(elsewhere, rows)
    assert backend.count_task_runs(made.id) == {"COMPLETED": 2_500}


# --- leases -------------------------------------------------------------------------------------------------


def test_a_pid_counts_only_where_it_means_the_same_process():
    alive = processes_record()
    assert reaper.cause_of_death(alive) is None
    dead_here = alive._replace(pid=2**22 + 1)
    assert "without reporting" in (reaper.cause_of_death(dead_here) or "")
    in_a_container = dead_here._replace(pid_space="another kernel", lease_until=now_us() + 1_000_000)
    assert reaper.cause_of_death(in_a_container) is None
    same_name_other_boot = in_a_container._replace(boot_id="another")
    assert reaper.cause_of_death(same_name_other_boot) is None


def test_a_lease_expires_only_where_it_could_be_renewed():
    lapsed = processes_record()._replace(pid_space="another kernel", lease_until=now_us() - 1_000_000)
    assert reaper.cause_of_death(lapsed) is None, "no server runs: nobody could renew it"
    assert reaper.cause_of_death(lapsed, heard_since=now_us() + 1_000_000) is None, (
        "the server has just come back"
    )
    assert "has not renewed" in (reaper.cause_of_death(lapsed, heard_since=now_us() - 1) or "")
    forgotten = lapsed._replace(lease_until=lapsed.lease_until - reaper.UNHEARD_US)
    assert "has not renewed" in (reaper.cause_of_death(forgotten) or "")


def processes_record():
    return own_record(new_id(), now_us(), now_us() + 30_000_000)._replace(pid_space=procinfo.pid_space())


def test_a_process_that_was_taken_for_dead_goes_on_in_a_new_attempt(
    elsewhere: HttpBackend, backend: LocalBackend, caplog: pytest.LogCaptureFixture
):
    new = a_run()
    elsewhere.enter_flow_run(new.id, lambda: None)
    made = elsewhere.create_flow_run(new, executes=True, running=a_state("RUNNING"))
    row = a_task_run(made.id, "RUNNING")
    deliver_rows(elsewhere, [row])
    process = backend.read_process(elsewhere.process_id())
    assert process is not None
    with caplog.at_level(logging.WARNING, logger="prefect.journal"):
        with backend.store.write() as cx:
            reaper.bury(cx, process, "It was not heard of.")
        deliver_rows(elsewhere, [row._replace(state_type="COMPLETED", state_name="Completed")])
        answer = elsewhere.propose_flow_run_state(made.id, a_state("COMPLETED"), attempt=1, known=made)
    elsewhere.leave_flow_run(made.id)
    assert (answer.status, answer.run.attempt) == ("ACCEPT", 2)
    names = [s.name for s in backend.read_flow_run_states(made.id)]
    assert names == ["Pending", "Running", "Crashed", "Running", "Completed"]
    assert backend.read_task_run(row.id).state_type == "COMPLETED"
    assert "has reported again" in caplog.text


def test_a_process_that_was_taken_for_dead_does_not_take_a_run_from_its_successor(
    elsewhere: HttpBackend, backend: LocalBackend
):
    new = a_run()
    elsewhere.enter_flow_run(new.id, lambda: None)
    made = elsewhere.create_flow_run(new, executes=True, running=a_state("RUNNING"))
    process = backend.read_process(elsewhere.process_id())
    assert process is not None
    with backend.store.write() as cx:
        reaper.bury(cx, process, "It was not heard of.")
    backend.open_attempt(made.id)
    answer = elsewhere.propose_flow_run_state(made.id, a_state("COMPLETED"), attempt=1, known=made)
    elsewhere.leave_flow_run(made.id)
    assert answer.status == "ABORT"
    assert backend.read_flow_run(made.id).owner == backend.process_id()


def test_a_lease_is_taken_renewed_and_given_back(server_url: str, backend: LocalBackend, tmp_path: Path):
    made = HttpBackend(
        Access(f"{server_url}/api"), poll_seconds=0.02, max_rows=10, patience=5, folder=tmp_path
    )
    new = a_run()
    made.enter_flow_run(new.id, lambda: None)
    made.create_flow_run(new, executes=True, running=a_state("RUNNING"))
    taken = backend.read_process(made.process_id())
    assert taken is not None
    assert taken.pid_space == procinfo.pid_space()
    with backend.store.write() as cx:
        processes.insert(cx, taken._replace(lease_until=now_us() + 1_000_000))
    while (
        renewed := backend.read_process(made.process_id())
    ) is None or renewed.lease_until <= now_us() + 2_000_000:
        pass
    made.propose_flow_run_state(new.id, a_state("COMPLETED"), attempt=1)
    made.leave_flow_run(new.id)
    made.close()
    assert backend.read_process(UUID(bytes=taken.id).bytes) is None


# --- servers that are not there ---------------------------------------------------------------------------


def test_a_wrong_url_is_named(tmp_path: Path):
    nowhere = HttpBackend(
        Access("http://127.0.0.1:9/api"), poll_seconds=1, max_rows=10, patience=0.2, folder=tmp_path
    )
    with pytest.raises(Away, match=r"PREFECT_API_URL=http://127\.0\.0\.1:9/api does not answer"):
        nowhere.create_flow_run(a_run(), executes=True)
    with pytest.raises(Away):
        nowhere.read_flow_run(new_id())
    nowhere.outbox.abandon()


def test_a_server_of_another_kind_is_no_server_that_is_away(server_url: str, tmp_path: Path):
    elsewhere = HttpBackend(
        Access(f"{server_url}/nowhere"), poll_seconds=1, max_rows=10, patience=5, folder=tmp_path
    )
    with pytest.raises(Refusal, match="404"):
        elsewhere.read_flow_run(new_id())
    elsewhere.close()


def test_a_server_that_asks_who_one_is(backend: LocalBackend, tmp_path: Path):
    with (
        temporary_settings({"PREFECT_SERVER_API_AUTH_STRING": "admin:secret"}),
        serving(create_app(lambda: backend)) as url,
    ):
        options = {"poll_seconds": 1, "max_rows": 10, "patience": 5, "folder": tmp_path}
        stranger = HttpBackend(Access(f"{url}/api"), **options)
        with pytest.raises(Refusal, match="PREFECT_API_KEY or PREFECT_API_AUTH_STRING"):
            stranger.create_flow_run(a_run(), executes=True)
        known = HttpBackend(Access(f"{url}/api", auth_string="admin:secret"), **options)
        assert known.create_flow_run(a_run(), executes=False).owner is None
        stranger.close()
        known.close()

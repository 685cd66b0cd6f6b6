"""What a Prefect server cannot be told now waits in memory, then in a file, and is told when it is back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from prefect import flow, get_run_logger, task
from prefect._backend import resolve, spill
from prefect._backend.connecting import Access
from prefect._backend.http import HttpBackend
from prefect._backend.local import LocalBackend
from prefect._backend.protocol import NewFlowRun
from prefect._backend.public import PublicBackend
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.model.records import FlowRunRecord, LogRecord, StateRecord, TaskRunRecord
from prefect.server.app import create_app
from prefect.settings import temporary_settings

from .conftest import Plain, serving


class Refusing:
    """The public API, which may refuse everything: `refuse` is a status."""

    def __init__(self, app) -> None:
        self._app = Plain(app)
        self.refuse: int | None = None

    async def __call__(self, scope, receive, send):
        if self.refuse is None or scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013})
        else:
            await send({"type": "http.response.start", "status": self.refuse, "headers": []})
            await send({"type": "http.response.body", "body": b"not now"})


@pytest.fixture
def server(backend: LocalBackend) -> Refusing:
    return Refusing(create_app(lambda: backend))


@pytest.fixture
def url(server: Refusing) -> Iterator[str]:
    with serving(server) as found:
        yield f"{found}/api"


def a_process(url: str, tmp_path: Path, *, max_rows: int = 1000, patience: float = 20) -> PublicBackend:
    folder = tmp_path / "spill"
    return PublicBackend(Access(url), poll_seconds=5, max_rows=max_rows, patience=patience, folder=folder)


def a_run(process: PublicBackend) -> FlowRunRecord:
    now = now_us()
    pending, running = (
        StateRecord(new_id(), "PENDING", "Pending", now),
        StateRecord(new_id(), "RUNNING", "Running", now + 1),
    )
    new = NewFlowRun(new_id(), "spilling", "a-run", pending, {})
    return process.create_flow_run(new, executes=True, running=running)


class Cell:
    """A task run that has ended, as the journal takes it."""

    queued = False

    def __init__(self, run: FlowRunRecord) -> None:
        now, self.id = now_us(), new_id()
        row = TaskRunRecord(
            self.id, run.id, 1, "k", "k-1", now, 1, None, None, "k", "COMPLETED", "Completed", now + 2
        )._replace(start_time=now + 1, end_time=now + 2, run_count=1)
        self.fixed, self.now = tuple(row[:10]), tuple(row[10:])


def put(process: PublicBackend, run: FlowRunRecord, message: str) -> Cell:
    process.journal.put_log(LogRecord(new_id(), now_us(), 20, "test", message, run.id))
    cell = Cell(run)
    process.journal.put(cell)
    return cell


def told(backend: LocalBackend, run: FlowRunRecord) -> tuple[list[str], set[bytes]]:
    """The log lines and the task runs that have ended, as the server has them."""
    rows = backend.find_task_runs(flow_run_ids=[run.id])
    lines = [line.message for line in backend.find_logs(flow_run_id=run.id)]
    return lines, {row.id for row in rows if row.state_type == "COMPLETED"}


def completed() -> StateRecord:
    return StateRecord(new_id(), "COMPLETED", "Completed", now_us())


@pytest.mark.parametrize("status", [500, 503])
def test_memory_is_bounded_and_everything_arrives_when_the_server_is_back(
    server: Refusing, url: str, backend, tmp_path: Path, eventually, status: int
):
    process = a_process(url, tmp_path, max_rows=20)
    run = a_run(process)
    server.refuse = status
    cells = [put(process, run, str(number)) for number in range(100)]
    process.journal.commit()
    assert process.sink.weight() == 0
    assert spill.waiting(tmp_path / "spill")[0].rows == 400
    server.refuse = None
    process.sink.drain(20)
    assert spill.files(tmp_path / "spill") == []
    process.close()
    expected = ([str(number) for number in range(100)], {cell.id for cell in cells})
    eventually(lambda: told(backend, run) == expected)


def test_a_server_that_is_gone_and_starts_again_is_told_everything(
    backend: LocalBackend, tmp_path: Path, eventually
):
    app = Plain(create_app(lambda: backend))
    with ExitStack() as first:
        root = first.enter_context(serving(app))
        process = a_process(f"{root}/api", tmp_path, max_rows=5)
        run = a_run(process)
        before = put(process, run, "before")
        process.journal.commit()
    cells = [before, *(put(process, run, str(number)) for number in range(20))]
    process.journal.commit()
    assert spill.waiting(tmp_path / "spill")[0].rows > 0
    with serving(Plain(create_app(lambda: backend)), int(root.rpartition(":")[2])):
        answer = process.propose_flow_run_state(run.id, completed(), attempt=1, known=run)
        assert answer.status == "ACCEPT"
        process.close()
        expected = (["before", *map(str, range(20))], {cell.id for cell in cells})
        eventually(lambda: told(backend, run) == expected)
    assert backend.read_flow_run(run.id).state.name == "Completed"
    assert spill.files(tmp_path / "spill") == []


def test_what_a_server_had_read_and_not_written_when_it_died_is_told_again(
    backend: LocalBackend, tmp_path: Path, eventually
):
    with ExitStack() as first:
        root = first.enter_context(serving(Plain(create_app(lambda: backend))))
        process = a_process(f"{root}/api", tmp_path)
        run = a_run(process)
        cell = put(process, run, "read")
        process.journal.commit()
        eventually(lambda: told(backend, run)[1] == {cell.id})
    with backend.store.write() as cx:  # as if it had been killed before
        cx.execute("DELETE FROM task_run WHERE id = ?", (cell.id,))
    with serving(Plain(create_app(lambda: backend)), int(root.rpartition(":")[2])):
        process.line._next_try = 0
        later = put(process, run, "later")
        process.close()
        eventually(lambda: told(backend, run) == (["read", "later"], {cell.id, later.id}))


def test_what_a_process_leaves_is_told_by_the_next_that_speaks_so(
    server: Refusing, url: str, backend, tmp_path: Path, eventually, caplog
):
    process = a_process(url, tmp_path, patience=0.2)
    run = a_run(process)
    server.refuse = 503
    cell = put(process, run, "left")
    with caplog.at_level(logging.WARNING, logger="prefect.journal"):
        answer = process.propose_flow_run_state(run.id, completed(), attempt=1, known=run)
        process.close()
    assert answer.run.state.name == "Completed"
    assert "the next process with this PREFECT_API_URL delivers them" in caplog.text
    server.refuse = None
    folder = tmp_path / "spill"
    stranger = HttpBackend(Access(url), poll_seconds=5, max_rows=9, patience=1, folder=folder)
    stranger.heirs.tick()
    stranger.close()
    assert len(spill.files(folder)) == 1
    heir = a_process(url, tmp_path)
    heir.heirs.tick()
    heir.close()
    assert spill.files(folder) == []
    eventually(lambda: told(backend, run) == (["left"], {cell.id}))
    assert backend.read_flow_run(run.id).state.name == "Completed"


def test_what_is_said_of_a_run_is_said_in_order(server: Refusing, url: str, backend, tmp_path: Path):
    process = a_process(url, tmp_path, patience=0.2)
    run = a_run(process)
    server.refuse = 503
    process.update_flow_run(run.id, {"name": "renamed"})
    retrying = run._replace(policy={"retries": 1, "retry_delay": 0})
    failed = StateRecord(new_id(), "FAILED", "Failed", now_us())
    answer = process.propose_flow_run_state(run.id, failed, attempt=1, known=retrying)
    assert answer.run.state.name == "AwaitingRetry"
    server.refuse = None
    running = StateRecord(new_id(), "RUNNING", "Running", now_us())
    process.line._next_try = 0
    process.propose_flow_run_state(run.id, running, attempt=1, known=answer.run)
    process.propose_flow_run_state(run.id, completed(), attempt=1, known=answer.run)
    process.close()
    found = backend.read_flow_run(run.id)
    assert found.name == "renamed"
    names = [state.name for state in backend.read_flow_run_states(run.id)]
    assert names[:3] == ["Pending", "Running", "Failed"]


def test_what_is_refused_for_good_is_put_aside_and_the_rest_goes_on(
    server: Refusing, url: str, backend, tmp_path: Path, eventually, caplog
):
    process = a_process(url, tmp_path)
    run = a_run(process)
    process.journal.put_log(LogRecord(new_id(), now_us(), 20, "test", "half: \ud800", run.id))
    process.journal.commit()
    cell = put(process, run, "whole")
    process.journal.commit()
    process.close()
    eventually(lambda: told(backend, run) == (["whole"], {cell.id}))
    (kept,) = (tmp_path / "spill").glob("*.refused")
    assert "are kept in" in caplog.text
    assert b"half" in kept.read_bytes()


def test_a_flow_does_not_fail_for_a_server_that_goes(
    server: Refusing, url: str, backend, tmp_path: Path, eventually
):
    @task
    def step(n: int) -> int:
        if n == 3:
            server.refuse = 503
        get_run_logger().info("step %d", n)
        return n

    @flow
    def outlives():
        return sum(step(n) for n in range(8))

    changes = {"PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path)}
    with temporary_settings({**changes, "PREFECT_RUNS_SERVER_PATIENCE_SECONDS": "0.5"}):
        state = outlives(return_state=True)
        assert (state.name, state.result()) == ("Completed", 28)
        resolve.close(url)
        assert spill.report(tmp_path / "spill", url) is not None
        server.refuse = None
        assert resolve.backend().read_flow_run(state.state_details.flow_run_id).state.name == "Completed"
        resolve.close(url)
    run = backend.read_flow_run(state.state_details.flow_run_id)
    eventually(lambda: backend.count_task_runs(run.id) == {"COMPLETED": 8})
    messages = [line.message for line in backend.find_logs(flow_run_id=run.id)]
    assert [text for text in messages if text.startswith("step")] == [f"step {n}" for n in range(8)]
    assert spill.files(tmp_path / "spill") == []

"""What cannot be delivered waits in memory, then in a file, and arrives once, in order, whoever delivers it."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect._backend import spill
from prefect._backend.connecting import Access, delay_before, retry_after
from prefect._backend.http import HttpBackend
from prefect._backend.line import FIRST_PATIENCE, Away
from prefect._backend.local import LocalBackend
from prefect._backend.protocol import NewFlowRun
from prefect._backend.servers import open_backend
from prefect._backend.spill import Entry, SpillFile
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.exceptions import StoreError
from prefect.model.records import FlowRunRecord, LogRecord, StateRecord, TaskRunRecord
from prefect.server.app import create_app
from prefect.settings import get_current_settings, temporary_settings

from .conftest import serving

URL = "http://somewhere/api"


# --- the file -----------------------------------------------------------------------------------------------


def taken(path: Path) -> list[Entry]:
    """What whoever comes next finds in a file."""
    left = SpillFile.take(path)
    assert left is not None
    found = []
    while (entry := left.first()) is not None:
        found.append(entry)
        left.drop()
    left.close()
    return found


def test_entries_are_taken_in_the_order_in_which_they_were_put(tmp_path: Path):
    file = SpillFile.make(tmp_path / "spill", "a", URL)
    entries = [Entry(number, number, b'{"n":%d}' % number * 300) for number in (1, 2, 3)]
    for entry in entries:
        file.append(entry)
    assert file.weight == 6
    assert file.first() == entries[0]
    file.drop()
    file.append(Entry(4, 0, b"x"))
    file.close()
    assert taken(file.path) == [*entries, Entry(4, 0, b"x")]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_file_that_somebody_writes_is_not_taken(tmp_path: Path):
    file = SpillFile.make(tmp_path, "a", URL)
    file.append(Entry(1, 5, b"x"))
    assert SpillFile.take(file.path) is None
    assert [(one.url, one.batches, one.rows) for one in spill.waiting(tmp_path)] == [(URL, 1, 5)]
    file.close()
    assert taken(file.path) == [Entry(1, 5, b"x")]


def test_what_a_torn_write_has_left_is_nothing(tmp_path: Path):
    file = SpillFile.make(tmp_path, "a", URL)
    file.append(Entry(1, 1, b"whole"))
    file.append(Entry(2, 1, b"torn" * 100))
    file.close()
    os.truncate(file.path, file.path.stat().st_size - 7)
    assert taken(file.path) == [Entry(1, 1, b"whole")]


def test_a_damaged_entry_is_passed_over(tmp_path: Path):
    file = SpillFile.make(tmp_path, "a", URL)
    for number, content in ((1, b"first"), (2, b"second"), (3, b"third")):
        file.append(Entry(number, 1, content))
    file.close()
    file.path.write_bytes(file.path.read_bytes().replace(b"second", b"sEcond"))
    assert [entry.number for entry in taken(file.path)] == [1, 3]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "spill").write_text("no folder")
    with pytest.raises(StoreError, match="spill.*cannot be written"):
        SpillFile.make(tmp_path / "spill", "a", URL)


# --- a server that does not answer ----------------------------------------------------------------------------


class Moody:
    """The real application, which may refuse to answer (`refuse` is a status), before or after it has done its work."""

    def __init__(self, app) -> None:
        self._app = app
        self.refuse: int | None = None
        self.after = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.asked = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self.refuse is None:
            await self._app(scope, receive, send)
            return
        self.asked += 1
        if self.after:

            async def nowhere(_):
                pass

            await self._app(scope, receive, nowhere)
        await send({"type": "http.response.start", "status": self.refuse, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"not now"})


@pytest.fixture
def moody(backend: LocalBackend) -> Moody:
    return Moody(create_app(lambda: backend))


@pytest.fixture
def url(moody: Moody) -> Iterator[str]:
    with serving(moody) as found:
        yield f"{found}/api"


@pytest.fixture
def process(url: str, tmp_path: Path) -> Iterator[HttpBackend]:
    """A process that reports to the server."""
    made = a_process(url, tmp_path)
    yield made
    made.close()


def a_process(url: str, tmp_path: Path, *, max_rows: int = 1000, patience: float = 20) -> HttpBackend:
    folder = tmp_path / "spill"
    return HttpBackend(Access(url), poll_seconds=5, max_rows=max_rows, patience=patience, folder=folder)


def a_run(process: HttpBackend) -> FlowRunRecord:
    now = now_us()
    pending = StateRecord(new_id(), "PENDING", "Pending", now)
    running = StateRecord(new_id(), "RUNNING", "Running", now + 1)
    new = NewFlowRun(new_id(), "spilling", "a-run", pending, {})
    return process.create_flow_run(new, executes=True, running=running)


def put(process: HttpBackend, run: FlowRunRecord, message: str) -> None:
    process.journal.put_log(LogRecord(new_id(), now_us(), 20, "test", message, run.id))


def messages(backend: LocalBackend, run: FlowRunRecord) -> list[str]:
    return [line.message for line in backend.find_logs(flow_run_id=run.id)]


def completed() -> StateRecord:
    return StateRecord(new_id(), "COMPLETED", "Completed", now_us())


def test_an_answer_that_is_lost_is_given_again(moody: Moody, process: HttpBackend, backend: LocalBackend):
    run = a_run(process)
    moody.refuse, moody.after = 503, True
    put(process, run, "once")
    process.journal.commit()
    moody.refuse = None
    answer = process.propose_flow_run_state(run.id, completed(), attempt=1)
    assert answer.status == "ACCEPT"
    assert messages(backend, run) == ["once"]
    assert [s.name for s in backend.read_flow_run_states(run.id)] == ["Pending", "Running", "Completed"]


def test_a_barrier_is_passed_once_it_is_in_the_file(
    moody: Moody, process: HttpBackend, backend, tmp_path: Path
):
    run = a_run(process)
    moody.refuse = 503
    put(process, run, "durable")
    process.journal.commit()
    (waiting,) = spill.waiting(tmp_path / "spill")
    assert waiting.rows == 1
    put(process, run, "later")
    moody.refuse = None
    process.outbox.drain(20)
    process.journal.commit()
    assert messages(backend, run) == ["durable", "later"]
    assert spill.files(tmp_path / "spill") == []


def test_memory_is_bounded(moody: Moody, url: str, backend: LocalBackend, tmp_path: Path):
    process = a_process(url, tmp_path, max_rows=10)
    run = a_run(process)
    moody.refuse = 503
    for number in range(100):
        put(process, run, str(number))
    assert process.outbox.weight() <= 20
    assert spill.waiting(tmp_path / "spill")[0].rows >= 80
    moody.refuse = None
    process.close()
    assert messages(backend, run) == [str(number) for number in range(100)]
    assert spill.files(tmp_path / "spill") == []


def test_retry_after_is_heeded(moody: Moody, process: HttpBackend):
    run = a_run(process)
    moody.refuse, moody.headers = 429, [(b"retry-after", b"600")]
    put(process, run, "x")
    process.journal.commit()
    asked = moody.asked
    assert process.line.seconds_to_next_try() > 500
    process.journal.commit()
    with pytest.raises(Away):
        process.outbox.deliver()
    assert moody.asked == asked
    process.line._next_try = 0
    moody.refuse = None


def test_one_warning_says_that_the_server_is_away(moody: Moody, process: HttpBackend, caplog):
    run = a_run(process)
    moody.refuse = 503
    with caplog.at_level(logging.INFO, logger="prefect.journal"):
        while moody.asked < 4:
            put(process, run, "x")
            process.outbox._line.wait(process.line.deadline())
            process.journal.commit()
        moody.refuse = None
        process.outbox.drain(20)
    said = [record.getMessage() for record in caplog.records]
    assert sum("does not answer" in text for text in said) == 1
    assert sum("answers again" in text for text in said) == 1


def test_the_end_of_a_run_waits_as_long_as_patience_and_is_then_decided_here(
    moody: Moody, url: str, backend: LocalBackend, tmp_path: Path, caplog
):
    process = a_process(url, tmp_path, patience=0.3)
    run = a_run(process)
    moody.refuse = 503
    answer = process.propose_flow_run_state(run.id, completed(), attempt=1, known=run)
    assert (answer.status, answer.run.state.name) == ("ACCEPT", "Completed")
    assert "the server learns of it later" in caplog.text
    process.close()
    assert backend.read_flow_run(run.id).state.name == "Running"
    moody.refuse = None
    heir = a_process(url, tmp_path)
    heir.heirs.tick()
    heir.close()
    assert backend.read_flow_run(run.id).state.name == "Completed"
    assert spill.files(tmp_path / "spill") == []


def test_what_was_decided_here_does_not_undo_what_was_decided_there(
    moody: Moody, url: str, backend: LocalBackend, tmp_path: Path
):
    process = a_process(url, tmp_path, patience=0.3)
    run = a_run(process)
    moody.refuse = 503
    process.propose_flow_run_state(run.id, completed(), attempt=1, known=run)
    process.close()
    died = backend.read_process(process.process_id())
    assert died is not None
    with backend.store.write() as cx:
        from prefect._backend import reaper

        reaper.bury(cx, died, "It was not heard of.")
    backend.open_attempt(run.id)
    moody.refuse = None
    heir = a_process(url, tmp_path)
    heir.heirs.tick()
    heir.close()
    found = backend.read_flow_run(run.id)
    assert (found.attempt, found.state.name) == (2, "Pending")


def test_what_is_meant_for_another_server_is_left_alone(moody: Moody, url: str, tmp_path: Path):
    process = a_process(url, tmp_path, patience=0.1)
    run = a_run(process)
    moody.refuse = 503
    put(process, run, "x")
    process.close()
    with serving(Moody(create_app())) as other:
        heir = a_process(f"{other}/api", tmp_path)
        heir.heirs.tick()
        heir.close()
    (waiting,) = spill.waiting(tmp_path / "spill")
    assert (waiting.url, waiting.rows) == (url, 1)


def test_a_batch_that_is_refused_for_good_is_put_aside_and_the_rest_goes_on(
    process: HttpBackend, backend: LocalBackend, tmp_path: Path, caplog
):
    run = a_run(process)
    put(process, run, "half a character: \ud800")
    process.journal.commit()
    put(process, run, "whole")
    process.journal.commit()
    assert messages(backend, run) == ["whole"]
    (kept,) = (tmp_path / "spill").glob("*.refused")
    assert taken(kept)[0].weight == 1
    assert "is kept in" in caplog.text


def test_a_server_that_has_said_hello_is_waited_for(url: str, tmp_path: Path):
    """It may be killed before the first run is made: its URL is right all the same."""
    with temporary_settings({"PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path)}):
        opened = open_backend(get_current_settings())
    assert isinstance(opened, HttpBackend)
    assert opened.line.deadline() - time.monotonic() > FIRST_PATIENCE + 1
    opened.close()


def test_a_result_that_is_large_makes_small_batches(process: HttpBackend, backend: LocalBackend):
    run = a_run(process)
    now = now_us()
    rows = [
        TaskRunRecord(new_id(), run.id, 1, "k", "k", now, 1, None, None, "k", "COMPLETED", "Completed", now)
        for _ in range(5)
    ]
    with process.journal.transaction() as parcel:
        process.outbox.record(parcel, [tuple(row._replace(result=b"x" * 900_000)) for row in rows], ())
    assert len(process.outbox._queue) == 5
    process.outbox.deliver()
    assert len(backend.find_task_runs(flow_run_ids=[run.id])) == 5


# --- when to try again ------------------------------------------------------------------------------------------


def test_delays_double_up_to_five_seconds_and_are_what_the_server_asks_for():
    assert [delay_before(attempt, 0) for attempt in (1, 2, 3, 7, 1000)] == [0.1, 0.2, 0.4, 5.0, 5.0]
    assert delay_before(1, 0, 60) == 60
    assert 60 <= delay_before(1, 0.2, 60) <= 72
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) is None
    assert retry_after({}) is None

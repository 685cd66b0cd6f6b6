"""The server's side of `http.py`: what another process's backend asks, carried out on the store here.

A batch is one transaction: its number is claimed, its rows are written, its verb is carried out, its answer kept.
A batch that comes again (its answer was lost) finds its number claimed, and gets that answer.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._backend import reaper, wire
from prefect._backend.slots import freed
from prefect._backend.store_sink import record
from prefect._backend.verbs import RAISED, VERBS, Verb, raised
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._orchestration import open_attempt
from prefect._storage import batches, flow_runs, processes
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend
    from prefect._storage.protocol import Transaction
    from prefect.model.records import FlowRunRecord, LogRecord, ProcessRecord, TaskRunRecord

_log = logging.getLogger("prefect.journal")


class Sender(NamedTuple):
    """The process that asks, and the flow runs it executes, each with its attempt."""

    process: ProcessRecord
    runs: list[tuple[bytes, int]]


class Batch(NamedTuple):
    """What `outbox.py` sends."""

    sender: Sender
    number: int
    rows: list[TaskRunRecord]
    lines: list[LogRecord]
    verb: Verb | None
    arguments: dict[str, Any]


class RemotePresence:
    """Stands in a backend for the process that has asked. See `presence.Presence`."""

    def __init__(self, process: ProcessRecord, lease_us: int) -> None:
        self.id = process.id
        self._process = process
        self._lease_us = lease_us

    def register(self, cx: Transaction) -> bytes:
        """Take, or prolong, its lease; the owner id for its runs."""
        processes.insert(cx, self._process._replace(lease_until=now_us() + self._lease_us))
        return self.id

    def leave(self, run_id: bytes) -> None:
        """It keeps its own list."""


# --- reading what came; each raises ValueError where it is not what was expected -----------------------


def read_sender(message: Any) -> Sender:
    """Who asks."""
    runs = [(wire.unpack_bytes(run_id), wire.INT.unpack(attempt)) for run_id, attempt in message["runs"]]
    return Sender(wire.PROCESS.unpack(message["process"]), runs)


def read_batch(message: Any) -> Batch:
    """A whole batch."""
    verb = _verb_of(message, writes=True) if "verb" in message else None
    return Batch(
        read_sender(message),
        wire.INT.unpack(message["number"]),
        [wire.TASK_RUN.unpack(row) for row in message.get("rows", ())],
        [wire.LOG.unpack(line) for line in message.get("logs", ())],
        verb,
        verb.unpack(message["arguments"]) if verb is not None else {},
    )


def read_question(message: Any) -> tuple[Verb, dict[str, Any]]:
    """A verb that only reads, and its arguments."""
    verb = _verb_of(message, writes=False)
    return verb, verb.unpack(message["arguments"])


def _verb_of(message: Any, *, writes: bool) -> Verb:
    verb = VERBS.get(message["verb"])
    if verb is None or verb.writes is not writes:
        raise ValueError(f"expected a verb, got {message['verb']!r}")
    return verb


# --- carrying it out -----------------------------------------------------------------------------------


def deliver(backend: LocalBackend, batch: Batch) -> dict[str, Any]:
    """Write a batch, once; the answer of its verb."""
    process = batch.sender.process
    with backend.journal.transaction() as cx:
        if not batches.claim(cx, process.id, batch.number, now_us()):
            return wire.loads(batches.answer(cx, process.id, batch.number).encode())
        presence = RemotePresence(process, backend.presence.lease_us)
        come_back(cx, presence, batch.sender)
        if record(cx, batch.rows, batch.lines, sender=process.id):
            freed(backend.store)
        said: dict[str, Any] = {}
        if batch.verb is not None:
            acting = backend.acting_for(presence)
            said = answered(acting, batch.verb, _in_this_attempt(cx, process.id, batch))
            batches.keep_answer(cx, process.id, wire.dumps(said).decode())
    backend.journal.announce(batch.rows, batch.lines)
    return said


def answered(backend: LocalBackend, verb: Verb, arguments: dict[str, Any]) -> dict[str, Any]:
    """Carry out a verb; its answer, or what it has raised, as JSON."""
    try:
        answer = getattr(backend, verb.name)(**arguments)
    except tuple(RAISED.values()) as exc:
        return raised(exc)
    return {"answer": wire.packer(verb.answer)(answer)}


def beat(backend: LocalBackend, sender: Sender) -> dict[str, Any]:
    """Prolong the lease of a process that shows signs of life; which of its runs were asked to stop."""
    process, lease_us = sender.process, backend.presence.lease_us
    known = processes.read(backend.store, process.id)
    if known is None or known.lease_until - now_us() < lease_us * 2 // 3:
        presence = RemotePresence(process, lease_us)
        with backend.store.write() as cx:
            if not come_back(cx, presence, sender):
                presence.register(cx)
    asked = flow_runs.cancelling(backend.store, process.id)
    return {"cancelling": [wire.pack_bytes(run_id) for run_id in asked]}


def bury(backend: LocalBackend, sender: Sender) -> dict[str, Any]:
    """A process has said that it ends, or its heir that it has ended: what it still executes has crashed."""
    process = sender.process
    with backend.journal.transaction() as cx:
        reaper.bury(
            cx, process, f"The process that executed the run (pid {process.pid} on {process.host}) has ended."
        )
    return {}


def come_back(cx: Transaction, presence: RemotePresence, sender: Sender) -> bool:
    """Let a process that was taken for dead, and lives, go on with its runs; whether it was.

    Its runs have been Crashed meanwhile. One that nobody else has taken up gets a new attempt, which is its own; the
    others stay as they are, and what it has to say of them is refused.
    """
    if not sender.runs or processes.read(cx, presence.id) is not None:
        return False
    presence.register(cx)
    for run_id, attempt in sender.runs:
        run = flow_runs.read(cx, run_id)
        if run is not None and run.attempt == attempt and run.owner is None and run.state.type == "CRASHED":
            _go_on(cx, run, presence.id)
    return True


def _go_on(cx: Transaction, run: FlowRunRecord, owner: bytes) -> None:
    now = max(now_us(), run.state.timestamp + 1)
    said = "The process that executes the run was taken for dead, and has reported again."
    running = StateRecord(new_id(), "RUNNING", "Running", now, said)
    changes = open_attempt(run, now) | {"state": running, "owner": owner}
    flow_runs.update(cx, run.id, changes)
    flow_runs.insert_state(cx, run.id, running)
    _log.warning("%s Run '%s' goes on as attempt %d.", said, run.name, run.attempt + 1)


def _in_this_attempt(cx: Transaction, sender: bytes, batch: Batch) -> dict[str, Any]:
    """The verb's arguments; a process that has come back knows only the attempt that it began with."""
    arguments = batch.arguments
    if arguments.get("attempt") is not None:
        run = flow_runs.read(cx, arguments["run_id"])
        if run is not None and run.owner == sender:
            return {**arguments, "attempt": run.attempt}
    return arguments

"""The backend over HTTP: the same verbs, carried out by a server of ours.

What is read is asked for at once. What is written goes into the outbox behind everything that was written before:
the end of a flow run and the last rows of its tasks are one request.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend import wire
from prefect._backend.decided_here import decided_here
from prefect._backend.heirs import Heirs
from prefect._backend.http_presence import GONE, HttpPresence
from prefect._backend.line import Away, Line
from prefect._backend.outbox import Outbox, Parcel
from prefect._backend.presence import ATTENDING
from prefect._backend.protocol import Answer, NewFlowRun
from prefect._backend.verbs import VERBS, exception_of
from prefect._backend.writer import Journal
from prefect._base.clock import now_us
from prefect._orchestration import Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from prefect._backend.connecting import Access
    from prefect._backend.spill import Entry
    from prefect._storage.filters import Condition
    from prefect.model.records import FlowRunRecord, LogRecord, ProcessRecord, StateRecord, TaskRunRecord

PATH = "/pluperfect/ask"
_FORCED_PATIENCE = 5.0  # seconds: a run that crashes or is cancelled does not keep its process for long
_LIMITS_SECONDS = 1.0
_LAST_PATIENCE = 5.0  # seconds: a process that ends does not wait for long


class HttpBackend:
    """See `prefect._backend.protocol.Backend`.

    Args:
        access: the server.
        poll_seconds: between two signs of life while flow runs are executed.
        max_rows: how many rows may wait in memory.
        patience: seconds that a flow run waits for a server that does not answer.
        folder: where what cannot be delivered waits.
    """

    blocks = True
    look_seconds: float | None = 0.25
    tells_news = True
    names_inputs = True
    evaluates_automations = False
    frees_slots = True
    queues_rows = True

    def __init__(
        self, access: Access, *, poll_seconds: float, max_rows: int, patience: float, folder: Path
    ) -> None:
        self._limits: dict[tuple[str, ...], tuple[float, list[str]]] = {}
        self.line = Line(access, patience=patience)
        self.presence = HttpPresence(self.line, poll_seconds=poll_seconds)
        name = UUID(bytes=self.presence.id).hex
        self.outbox = Outbox(self.line, name, folder, self.presence.sender, max_rows=max_rows)
        self.heirs = Heirs(self.line, folder, self.outbox, self._bury)
        self.journal: Journal[Parcel] = Journal(self.outbox, (self.outbox, self.heirs), max_rows=max_rows)

    def create_flow_run(
        self, new: NewFlowRun, *, executes: bool, running: StateRecord | None = None
    ) -> FlowRunRecord:
        return self._adopt(self._write("create_flow_run", new=new, executes=executes, running=running))

    def open_attempt(self, run_id: bytes, changes: dict[str, Any] | None = None) -> FlowRunRecord:
        return self._adopt(self._write("open_attempt", run_id=run_id, changes=changes))

    def propose_flow_run_state(
        self,
        run_id: bytes,
        state: StateRecord,
        *,
        attempt: int | None = None,
        force: bool = False,
        changes: dict[str, Any] | None = None,
        known: FlowRunRecord | None = None,
    ) -> Answer:
        parcel = self._put(
            "propose_flow_run_state",
            {"run_id": run_id, "state": state, "attempt": attempt, "force": force, "changes": changes},
        )
        try:
            answer: Answer = self.outbox.answer_of(parcel, patience=_FORCED_PATIENCE if force else None)
        except Away as exc:
            if known is None:
                raise
            return decided_here(Transition(known, state, now_us(), force, attempt), changes or {}, exc)
        self.presence.saw(answer.run)
        return answer

    def update_flow_run(self, run_id: bytes, changes: dict[str, Any]) -> None:
        self._post("update_flow_run", run_id=run_id, changes=changes)

    def create_task_run(self, row: TaskRunRecord) -> None:
        """Its row is enough: see `queues_rows`."""

    def take_task_run(self, run_id: bytes) -> TaskRunRecord | None:
        self.presence.attending = True
        return self._write("take_task_run", run_id=run_id)

    def attend(self) -> None:
        self.presence.enter(ATTENDING, lambda: None)

    def process_id(self) -> bytes:
        return self.presence.id

    def enter_flow_run(self, run_id: bytes, cancel: Callable[[], None]) -> None:
        self.presence.enter(run_id, cancel)

    def leave_flow_run(self, run_id: bytes, *, unfinished: bool = False) -> None:
        self.presence.leave(run_id)
        if unfinished:
            self._post("leave_flow_run", run_id=run_id, unfinished=True)

    def read_flow_run(self, run_id: bytes | UUID) -> FlowRunRecord:
        return self._read("read_flow_run", run_id=_bytes(run_id))

    def find_flow_runs(
        self,
        *,
        flow_names: Sequence[str] = (),
        where: Iterable[Condition] = (),
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[FlowRunRecord]:
        return self._read(
            "find_flow_runs", flow_names=flow_names, where=list(where), limit=limit, offset=offset
        )

    def read_flow_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        return self._read("read_flow_run_states", run_id=_bytes(run_id))

    def delete_flow_runs(self, run_ids: Sequence[bytes]) -> int:
        return self._write("delete_flow_runs", run_ids=[_bytes(run_id) for run_id in run_ids])

    def read_task_run(self, run_id: bytes | UUID) -> TaskRunRecord:
        return self._read("read_task_run", run_id=_bytes(run_id))

    def find_task_runs(
        self,
        *,
        flow_run_ids: Sequence[bytes] = (),
        where: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[TaskRunRecord]:
        return self._read(
            "find_task_runs",
            flow_run_ids=[_bytes(run_id) for run_id in flow_run_ids],
            where=list(where),
            limit=limit,
            offset=offset,
            newest_first=newest_first,
        )

    def read_task_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        return self._read("read_task_run_states", run_id=_bytes(run_id))

    def count_task_runs(self, flow_run_id: bytes) -> dict[str, int]:
        return self._read("count_task_runs", flow_run_id=flow_run_id)

    def recorded_task_runs(self, flow_run_id: bytes) -> list[TaskRunRecord]:
        return self._read("recorded_task_runs", flow_run_id=flow_run_id)

    def find_logs(
        self,
        *,
        flow_run_id: bytes | None = None,
        task_run_id: bytes | None = None,
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[LogRecord]:
        return self._read(
            "find_logs",
            flow_run_id=None if flow_run_id is None else _bytes(flow_run_id),
            task_run_id=None if task_run_id is None else _bytes(task_run_id),
            limit=limit,
            offset=offset,
            newest_first=newest_first,
        )

    def limits_of_tags(self, tags: Sequence[str]) -> list[str]:
        """Asked for again after a second: a limit that is made now is not known at once."""
        key, now = tuple(tags), time.monotonic()
        known = self._limits.get(key)
        if known is None or known[0] < now - _LIMITS_SECONDS:
            known = self._limits[key] = (now, self._read("limits_of_tags", tags=list(tags)))
        return known[1]

    def read_process(self, process_id: bytes) -> ProcessRecord | None:
        return self._read("read_process", process_id=process_id)

    def reap(self) -> list[FlowRunRecord]:
        return self._read("reap")

    def claim_flow_run(self, run_id: bytes, seen: bytes) -> bool:
        return self._read("claim_flow_run", run_id=run_id, seen=seen)

    def executor_ended(
        self, run_id: bytes, *, host: str, pid: int | None, cause: str | None, hand_over: bool = False
    ) -> FlowRunRecord:
        return self._read(
            "executor_ended", run_id=run_id, host=host, pid=pid, cause=cause, hand_over=hand_over
        )

    def close(self) -> None:
        with contextlib.ExitStack() as last:
            last.callback(self.line.close)
            last.callback(self.presence.give_back)
            last.callback(self.outbox.close)
            last.callback(self.outbox.drain, _LAST_PATIENCE)
            self.journal.close()

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        self.line.abandon()
        self.outbox.abandon()

    def _bury(self, last: Entry) -> None:
        """The process that has left an entry is gone, and with it what it executed."""
        sender = wire.loads(last.content)
        self.line.post(GONE, wire.dumps({"process": sender["process"], "runs": []}))

    def _adopt(self, run: FlowRunRecord) -> FlowRunRecord:
        self.presence.saw(run)
        return run

    def _write(self, verb: str, /, **arguments: Any) -> Any:
        """Have it written behind everything before it, and wait for the answer."""
        return self.outbox.answer_of(self._put(verb, arguments))

    def _post(self, verb: str, /, **arguments: Any) -> None:
        """Have it written behind everything before it, some time."""
        self._put(verb, arguments)
        self.journal.wake()

    def _put(self, verb: str, arguments: dict[str, Any]) -> Parcel:
        with self.journal.transaction() as parcel:
            parcel.ask(VERBS[verb], arguments)
        return parcel

    def _read(self, name: str, /, **arguments: Any) -> Any:
        verb = VERBS[name]
        question = {"verb": name, "arguments": verb.pack(arguments)}
        said = wire.loads(self.line.ask(PATH, wire.dumps(question)))
        if "raised" in said:
            raise exception_of(*said["raised"])
        return verb.answer.unpack(said["answer"])


def _bytes(run_id: bytes | UUID) -> bytes:
    return run_id if isinstance(run_id, bytes) else run_id.bytes

"""The backend on a Prefect 3 server: its public API, for those verbs that have a counterpart there.

Flow runs are moved on by `set_state`, and the server's own rules decide. Task runs and log lines go by `public_sink`.
What only a server of ours keeps (recorded results, leases, exact conditions) is not there: a retried run runs
everything again, and commands that search say so.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend.decided_here import decided_here
from prefect._backend.executors import HANDED_OVER, RECOVER_LABEL, RECOVERING
from prefect._backend.heirs import Heirs
from prefect._backend.http_presence import HttpPresence
from prefect._backend.line import CONTENT_REFUSED, Away, Line, Refusal
from prefect._backend.protocol import Answer, NewFlowRun
from prefect._backend.public_events import Around, state_json
from prefect._backend.public_records import (
    filter_of,
    flow_run_record,
    log_record,
    policy_of,
    task_run_record,
    text,
)
from prefect._backend.public_sink import PublicSink
from prefect._backend.writer import Journal
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._orchestration import Transition
from prefect.exceptions import ObjectNotFound
from prefect.model.history import states_of
from prefect.model.objects import Flow
from prefect.model.records import StateRecord
from prefect.model.runs import TaskRun
from prefect.model.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from prefect._backend.connecting import Access
    from prefect._storage.filters import Condition
    from prefect.model.records import FlowRunRecord, LogRecord, ProcessRecord, TaskRunRecord

_REFUSALS = CONTENT_REFUSED | {401, 403, 404, 405}
_POLL_SECONDS = 2.0
_PAGE = 200  # so many rows such a server gives at once
_FORCED_PATIENCE = 5.0  # seconds: a run that crashes or is cancelled does not keep its process for long
_LAST_PATIENCE = 5.0
_TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))


class PublicBackend:
    """See `prefect._backend.protocol.Backend`.

    Args:
        access: the server.
        poll_seconds: between two looks whether a run was asked to stop; at least 2 s.
        max_rows: how many rows may wait in memory.
        patience: seconds that a flow run waits for a server that does not answer.
        folder: where what cannot be delivered waits.
    """

    blocks = True
    look_seconds: float | None = None  # such a server spends 10 ms on an answer
    tells_news = False
    names_inputs = True
    evaluates_automations = True
    frees_slots = False
    queues_rows = False

    def __init__(
        self, access: Access, *, poll_seconds: float, max_rows: int, patience: float, folder: Path
    ) -> None:
        self.line = Line(access, patience=patience, refusals=_REFUSALS)
        self.presence = _Presence(self.line, poll_seconds=max(poll_seconds, _POLL_SECONDS))
        name = UUID(bytes=self.presence.id).hex
        self.sink = PublicSink(self.line, name, folder, self._around, max_rows=max_rows)
        self.heirs = Heirs(self.line, folder, self.sink)
        self.journal: Journal[None] = Journal(self.sink, (self.sink, self.heirs), max_rows=max_rows)
        self._lock = threading.Lock()
        self._flows: dict[bytes, str] = {}
        self._arounds: dict[bytes, Around] = {}

    def create_flow_run(
        self, new: NewFlowRun, *, executes: bool, running: StateRecord | None = None
    ) -> FlowRunRecord:
        flow = Flow.model_validate(self._ask("POST", "/flows/", {"name": new.flow_name}))
        with self._lock:
            self._flows[flow.id.bytes] = new.flow_name
        if new.parent_task_run_id is not None:
            self._create_subflow_task_run(new.parent_task_run_id)
        body = {
            "flow_id": str(flow.id),
            "name": new.name,
            "state": state_json(new.state),
            "parameters": new.parameters,
            "tags": list(new.tags),
            "flow_version": new.flow_version,
            "empirical_policy": policy_of(new.policy),
            "idempotency_key": new.idempotency_key
            or str(UUID(bytes=new.id)),  # should the request be repeated
            "parent_task_run_id": text(new.parent_task_run_id),
        }
        run = self._record(self._ask("POST", "/flow_runs/", body))
        self.presence.rename(new.id, run.id)
        run = run._replace(
            owner=self.presence.id if executes else None,
            attempt=1 if executes else 0,
            parent_flow_run_id=new.parent_flow_run_id,
            root_flow_run_id=new.root_flow_run_id or run.id,
            parameters_pickle=new.parameters_pickle,
            policy=new.policy,
        )
        if running is not None:
            return self.propose_flow_run_state(run.id, running, known=run).run
        return run

    def open_attempt(self, run_id: bytes, changes: dict[str, Any] | None = None) -> FlowRunRecord:
        _ = changes
        before = self.read_flow_run(run_id)
        pending = StateRecord(new_id(), "PENDING", "Pending", now_us())
        taken = before._replace(owner=self.presence.id, attempt=before.attempt + 1)
        return self.propose_flow_run_state(
            run_id, pending, force=before.state.type in _TERMINAL, known=taken
        ).run

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
        run = known or self.read_flow_run(run_id)
        if state.type in _TERMINAL:
            self.journal.commit()
        path, body = (
            f"/flow_runs/{text(run_id)}/set_state",
            {"state": state_json(state, run_id), "force": force},
        )
        try:
            said = self._ask_in_turn(path, body, _FORCED_PATIENCE if force else None)
        except Away as exc:
            self.sink.postpone("POST", path, body)
            return decided_here(Transition(run, state, now_us(), force, attempt), changes or {}, exc)
        details: dict[str, Any] = said.get("details") or {}
        status, reason = said["status"], details.get("reason")
        if status in {"ACCEPT", "REJECT"} and said.get("state"):
            run = self._in_state(run, State.model_validate(said["state"]).to_record())
        if status == "ACCEPT" and changes:
            run = run._replace(**changes)
        return Answer(status, run, reason, details.get("delay_seconds") or 0.0)

    def _in_state(self, run: FlowRunRecord, state: StateRecord) -> FlowRunRecord:
        entered = state.type == "RUNNING" and run.state.type != "RUNNING"
        resumed = entered and run.policy.get("resuming")  # with the same try
        ended = state.type in _TERMINAL
        return run._replace(
            state=state,
            run_count=run.run_count + (entered and not resumed),
            policy={**run.policy, "resuming": False} if resumed else run.policy,
            start_time=run.start_time or (state.timestamp if entered else None),
            end_time=state.timestamp if ended else None,
            owner=None if ended else run.owner,
        )

    def update_flow_run(self, run_id: bytes, changes: dict[str, Any]) -> None:
        known = {name: value for name, value in changes.items() if name in {"name", "parameters"}}
        if known:
            path = f"/flow_runs/{text(run_id)}"
            try:
                self._ask("PATCH", path, known)
            except Away:
                self.sink.postpone("PATCH", path, known)
            with self._lock:
                self._arounds.pop(run_id, None)

    def create_task_run(self, row: TaskRunRecord) -> None:
        """Such a server hands out what was made by its API, and nothing that events tell of."""
        body = _created(TaskRun.from_record(row))
        self._ask("POST", "/task_runs/", {**body, "state": state_json(states_of(row)[-1])})

    def take_task_run(self, run_id: bytes) -> TaskRunRecord | None:
        """Its rules let one worker through."""
        state = {"type": "PENDING", "name": "Pending"}
        path = f"/task_runs/{UUID(bytes=run_id)}"
        waiting = self._find("Task run", path)["state"]["state_details"]
        if self._ask("POST", f"{path}/set_state", {"state": state})["status"] != "ACCEPT":
            return None
        row = self.read_task_run(run_id)
        details = {"deferred": True, "task_parameters_id": waiting.get("task_parameters_id")}
        return row._replace(history=json.dumps([["PENDING", "Pending", row.state_timestamp, None, details]]))

    def attend(self) -> None:
        """It does not know who executes what."""

    def process_id(self) -> bytes:
        return self.presence.id

    def enter_flow_run(self, run_id: bytes, cancel: Callable[[], None]) -> None:
        self.presence.enter(run_id, cancel)

    def leave_flow_run(self, run_id: bytes, *, unfinished: bool = False) -> None:
        _ = unfinished
        self.presence.leave(run_id)

    def read_flow_run(self, run_id: bytes | UUID) -> FlowRunRecord:
        return self._record(self._find("Flow run", f"/flow_runs/{text(run_id)}"))

    def find_flow_runs(
        self,
        *,
        flow_names: Sequence[str] = (),
        where: Iterable[Condition] = (),
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[FlowRunRecord]:
        body: dict[str, Any] = {"sort": "ID_DESC"}
        if flow_names:
            body["flows"] = {"name": {"any_": list(flow_names)}}
        body["flow_runs"] = filter_of(where)
        return [self._record(one) for one in self._pages("/flow_runs/filter", body, limit, offset)]

    def read_flow_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        found = self._ask("GET", f"/flow_run_states/?flow_run_id={text(run_id)}")
        return [State.model_validate(one).to_record() for one in found]

    def delete_flow_runs(self, run_ids: Sequence[bytes]) -> int:
        for run_id in run_ids:
            self._ask("DELETE", f"/flow_runs/{text(run_id)}")
        return len(run_ids)

    def read_task_run(self, run_id: bytes | UUID) -> TaskRunRecord:
        return task_run_record(self._find("Task run", f"/task_runs/{text(run_id)}"))

    def find_task_runs(
        self,
        *,
        flow_run_ids: Sequence[bytes] = (),
        where: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[TaskRunRecord]:
        body: dict[str, Any] = {"task_runs": filter_of(where)}
        body["sort"] = "ID_DESC" if newest_first else "EXPECTED_START_TIME_ASC"
        if flow_run_ids:
            body["flow_runs"] = {"id": {"any_": [text(one) for one in flow_run_ids]}}
        return [task_run_record(one) for one in self._pages("/task_runs/filter", body, limit, offset)]

    def read_task_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        found = self._ask("GET", f"/task_run_states/?task_run_id={text(run_id)}")
        return [State.model_validate(one).to_record() for one in found]

    def count_task_runs(self, flow_run_id: bytes) -> dict[str, int]:
        counts: dict[str, int] = {}
        for run in self.find_task_runs(flow_run_ids=[flow_run_id]):
            counts[run.state_type] = counts.get(run.state_type, 0) + 1
        return counts

    def recorded_task_runs(self, flow_run_id: bytes) -> list[TaskRunRecord]:
        _ = flow_run_id
        return []  # such a server keeps no results

    def find_logs(
        self,
        *,
        flow_run_id: bytes | None = None,
        task_run_id: bytes | None = None,
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[LogRecord]:
        ids = (("flow_run_id", flow_run_id), ("task_run_id", task_run_id))
        body = {
            "logs": {name: {"any_": [text(value)]} for name, value in ids if value is not None},
            "sort": "TIMESTAMP_DESC" if newest_first else "TIMESTAMP_ASC",
        }
        return [log_record(one) for one in self._pages("/logs/filter", body, limit, offset)]

    def limits_of_tags(self, tags: Sequence[str]) -> list[str]:
        """All that there may be: the server passes by what it does not know."""
        return [f"tag:{tag}" for tag in tags]

    def read_process(self, process_id: bytes) -> ProcessRecord | None:
        _ = process_id
        return None

    def reap(self) -> list[FlowRunRecord]:
        return []

    def claim_flow_run(self, run_id: bytes, seen: bytes) -> bool:
        """Such a server lets an ended run be Pending again: it is looked at just before."""
        run = self.read_flow_run(run_id)
        if run.state.id != seen:
            return False
        pending = StateRecord(new_id(), "PENDING", "Pending", now_us())
        return self.propose_flow_run_state(run_id, pending).status == "ACCEPT"

    def executor_ended(
        self, run_id: bytes, *, host: str, pid: int | None, cause: str | None, hand_over: bool = False
    ) -> FlowRunRecord:
        """Such a server keeps no leases, and nobody recovers runs there but the runner that has seen one crash."""
        _ = host, pid
        run = self.read_flow_run(run_id)
        if cause is not None and run.state.type in {"PENDING", "RUNNING", "CANCELLING"}:
            kind = "CANCELLED" if run.state.type == "CANCELLING" else "CRASHED"
            ended = StateRecord(new_id(), kind, kind.title(), now_us(), cause)
            run = self.propose_flow_run_state(run_id, ended, force=True).run
        if run.state.type == "CRASHED" and run.deployment_id is not None:
            run = self._recovered(run, hand_over=hand_over)
        return run

    def _recovered(self, run: FlowRunRecord, *, hand_over: bool) -> FlowRunRecord:
        recovered = sum(state.name == RECOVERING for state in self.read_flow_run_states(run.id))
        if not hand_over and recovered >= run.labels.get(RECOVER_LABEL, 0):
            return run
        name, now = (HANDED_OVER if hand_over else RECOVERING), now_us()
        again = StateRecord(
            new_id(), "SCHEDULED", name, now, run.state.message, None, {"scheduled_time": now}
        )
        return self.propose_flow_run_state(run.id, again).run

    def close(self) -> None:
        with contextlib.ExitStack() as last:
            last.callback(self.line.close)
            last.callback(self.sink.close)
            last.callback(self.sink.drain, _LAST_PATIENCE)
            self.journal.close()

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        self.line.abandon()
        self.sink.abandon()

    def _create_subflow_task_run(self, run_id: bytes) -> None:
        """The task run that stands for a subflow: made before it, as it refers to it."""
        with self.journal.transaction():
            row = self.sink.subflows.pop(run_id, None)
        if row is None:
            return
        body = _created(TaskRun.from_record(row))
        body["state"] = state_json(StateRecord(new_id(), "PENDING", "Pending", row.created))
        self._ask("POST", "/task_runs/", body)

    def _around(self, run_id: bytes) -> Around:
        found = self._arounds.get(run_id)
        if found is None:
            try:
                run = self.read_flow_run(run_id)
            except Away:
                return Around(run_id)  # what its task runs report is not to wait for a name
            found = Around(run.id, run.name, run.flow_id, run.flow_name)
            with self._lock:
                self._arounds[run_id] = found
        return found

    def _record(self, shown: Any) -> FlowRunRecord:
        record = flow_run_record(shown, self._flow_name(UUID(shown["flow_id"])))
        with self._lock:
            self._arounds[record.id] = Around(record.id, record.name, record.flow_id, record.flow_name)
        return record

    def _flow_name(self, flow_id: UUID) -> str:
        found = self._flows.get(flow_id.bytes)
        if found is None:
            found = Flow.model_validate(self._ask("GET", f"/flows/{flow_id}")).name
            with self._lock:
                self._flows[flow_id.bytes] = found
        return found

    def _find(self, noun: str, path: str) -> Any:
        try:
            return self._ask("GET", path)
        except Refusal as exc:
            if exc.status == 404:
                raise ObjectNotFound(help_message=f"{noun} not found: {path}") from exc
            raise

    def _pages(
        self, path: str, body: dict[str, Any], limit: int | None, offset: int
    ) -> Generator[Any, None, None]:
        """So many of what there is, or all, a page at a time."""
        left = float("inf") if limit is None else limit
        while left > 0:
            most = int(min(left, _PAGE))
            found = self._ask("POST", path, {**body, "limit": most, "offset": offset})
            yield from found
            if len(found) < most:
                return
            left, offset = left - most, offset + most

    def _ask_in_turn(self, path: str, body: Any, patience: float | None) -> Any:
        """Ask behind what was postponed. Raises Away."""
        if self.sink.has_postponed():
            self.sink.drain(patience)
            if self.sink.has_postponed():
                raise Away("What was to be said before still waits.")
        return self._ask("POST", path, body, patience=patience)

    def _ask(self, method: str, path: str, body: Any = None, *, patience: float | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        said = self.line.ask(path, content, method=method, patience=patience)
        return json.loads(said) if said else None


class _Presence(HttpPresence):
    """Such a server keeps no leases; it is only asked which runs are to stop."""

    def give_back(self) -> None:
        """There is nothing to give back."""

    def _tell(self) -> None:
        runs = [text(run_id) for run_id in tuple(self._runs)]
        asked = {"flow_runs": {"id": {"any_": runs}, "state": {"type": {"any_": ["CANCELLING"]}}}}
        self._line.require_turn()
        for found in json.loads(self._line.post("/flow_runs/filter", json.dumps(asked).encode(), timeout=10)):
            cancel = self._runs.get(UUID(found["id"]).bytes)
            if cancel is not None:
                cancel()


def _created(shown: TaskRun) -> dict[str, Any]:
    """A task run as a request to make it, without its state."""
    included = {"id", "name", "flow_run_id", "task_key", "dynamic_key", "tags", "task_inputs"}
    body = shown.model_dump(mode="json", include=included)
    body["task_version"] = shown.task_version
    return body

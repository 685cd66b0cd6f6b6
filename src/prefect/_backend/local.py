"""The backend on a store in this process: a transaction each, lock -> decide -> write -> notify."""

from __future__ import annotations

import contextlib
import copy
import time
from typing import TYPE_CHECKING, Any

from prefect._backend import reaper
from prefect._backend.mirror import mirror, require_tracking
from prefect._backend.presence import ATTENDING, Presence
from prefect._backend.protocol import Answer, NewFlowRun
from prefect._backend.retention import Retention
from prefect._backend.store_sink import StoreSink
from prefect._backend.writer import Journal
from prefect._base.clock import now_us
from prefect._base.faultpoint import reach
from prefect._base.ids import new_id
from prefect._orchestration import Abort as RulesAbort
from prefect._orchestration import Accept, Facts, Reject, Transition, Wait, decide, open_attempt
from prefect._storage import flow_runs, logs, processes, task_runs
from prefect._storage.filters import Condition
from prefect._storage.holders import holds_slots
from prefect.exceptions import Abort, ObjectNotFound
from prefect.model.history import states_of
from prefect.model.records import FlowRunRecord, StateRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from prefect._backend.news_room import NewsRoom
    from prefect._backend.retention import Policy
    from prefect._backend.waiting_room import WaitingRoom
    from prefect._orchestration import Decision
    from prefect._storage.protocol import Store, Transaction
    from prefect.model.records import LogRecord, ProcessRecord, TaskRunRecord

LIMITS_SECONDS = 1.0  # after which tasks know of a limit that another process has made
TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_WITH_STATE = frozenset(
    ("start_time", "next_scheduled_start_time")
)  # indexed, and changed only with the state


class LocalBackend:
    """See `prefect._backend.protocol.Backend`."""

    look_seconds: float | None = 0.05  # a look takes 20 µs
    tells_news = False  # a look costs less than being told
    names_inputs = False
    evaluates_automations = False
    frees_slots = True
    queues_rows = True

    def __init__(
        self, store: Store, *, lease_seconds: float, poll_seconds: float, max_rows: int, retention: Policy
    ) -> None:
        self.store = store
        self.blocks = store.blocks
        self.presence = Presence(store, lease_seconds=lease_seconds, poll_seconds=poll_seconds)
        pruning = Retention(store, retention, self.presence.is_busy)
        self.heard_since: int | None = None
        self._limits: dict[tuple[str, ...], tuple[float, list[str]]] = {}
        self._room: WaitingRoom | None = None
        self._news: NewsRoom | None = None
        self.journal = Journal(StoreSink(store), (self.presence, pruning), max_rows=max_rows)

    @property
    def room(self) -> WaitingRoom:
        """Where whoever waits for slots of limits is served."""
        if self._room is None:
            from prefect._backend.waiting_room import WaitingRoom  # few programs wait for slots

            with self.store.locked():
                self._room = self._room or WaitingRoom(self.store, self.reap)
        return self._room

    @property
    def news(self) -> NewsRoom:
        """Where whoever waits for news of a run is served."""
        if self._news is None:
            from prefect._backend.news_room import NewsRoom  # few programs wait for any

            with self.store.locked():
                self._news = self._news or NewsRoom(self.store)
        return self._news

    def acting_for(self, presence: Any) -> LocalBackend:
        """The same for another process: what it takes up is its own."""
        acting = copy.copy(self)
        acting.presence = presence
        return acting

    def hear(self) -> None:
        """From now on processes elsewhere can renew their leases here; each is given the time to."""
        if self.heard_since is None:
            self.heard_since = now_us() + self.presence.lease_us

    def create_flow_run(
        self, new: NewFlowRun, *, executes: bool, running: StateRecord | None = None
    ) -> FlowRunRecord:
        now = now_us()
        with self.journal.transaction() as cx:
            if executes:
                require_tracking(cx, new.parent_task_run_id)
            given: dict[str, Any] = new._asdict()
            given["root_flow_run_id"] = new.root_flow_run_id or new.id
            run = FlowRunRecord(
                flow_id=flow_runs.flow_id_of(cx, new.flow_name, now),
                created=now,
                updated=now,
                attempt=1 if executes else 0,
                owner=self.presence.register(cx) if executes else None,
                expected_start_time=(new.state.details or {}).get("scheduled_time", now),
                **given,
            )
            states = [run.state]
            if running is not None:
                decision = decide(Transition(run=run, proposed=running, now=now))
                assert isinstance(decision, Accept)  # nothing stands between a new run and Running
                run = run._replace(**decision.changes)
                states.append(run.state)
            if not flow_runs.insert(cx, run, states):
                assert run.idempotency_key is not None  # the only thing that an insert yields to
                return _require(flow_runs.with_key(cx, run.flow_id, run.idempotency_key), run.id)
        reach("flow_run.created")
        return run

    def open_attempt(self, run_id: bytes, changes: dict[str, Any] | None = None) -> FlowRunRecord:
        reaper.reap(self.store, self.presence.id, heard_since=self.heard_since)
        with self.journal.transaction() as cx:
            require_tracking(cx, (changes or {}).get("parent_task_run_id"))
            run = _require(flow_runs.read(cx, run_id), run_id)
            if run.owner is not None:
                raise Abort(f"Flow run '{run.name}' is executed by another process ({run.state.name}).")
            opened = open_attempt(run, now_us()) | {"owner": self.presence.register(cx)}
            return self._write(cx, run, opened | (changes or {}))

    def propose_flow_run_state(
        self,
        run_id: bytes,
        state: StateRecord,
        *,
        attempt: int | None = None,
        force: bool = False,
        changes: dict[str, Any] | None = None,
        known: FlowRunRecord | None = None,
        only_if_state: bytes | None = None,
    ) -> Answer:
        """See the protocol. With `only_if_state` (a state's id) it is refused where the run has left that state."""
        transaction = self.journal.transaction() if state.type in TERMINAL else self.store.write()
        with transaction as cx:
            if known is not None:
                decision = self._decide(cx, known, state, force=force, attempt=attempt)
                if isinstance(decision, Accept):
                    run = self._compare_and_set(cx, known, decision.changes | (changes or {}), only_if=known)
                    if run is not None:
                        _settle(cx, known, decision)
                        return Answer("ACCEPT", run)
            run = _require(flow_runs.read(cx, run_id), run_id)
            if only_if_state is not None and run.state.id != only_if_state:
                return Answer("ABORT", run, f"The run has moved on; it is {run.state.name}.")
            decision = self._decide(cx, run, state, force=force, attempt=attempt)
            if isinstance(decision, (Accept, Reject)):
                _settle(cx, run, decision)
            if isinstance(decision, Accept):
                return Answer("ACCEPT", self._write(cx, run, decision.changes | (changes or {})))
            if isinstance(decision, Reject):
                run = self._write(cx, run, decision.changes) if decision.changes else run
                if decision.cancels is not None:
                    self._cancel(decision.cancels, decision.reason)
                return Answer("REJECT", run, decision.reason)
            if isinstance(decision, Wait):
                return Answer("WAIT", run, decision.reason, decision.delay_seconds)
            assert isinstance(decision, RulesAbort)
            return Answer("ABORT", run, decision.reason)

    def _cancel(self, run_id: bytes, reason: str) -> None:
        """Another run has to make room."""
        state = StateRecord(new_id(), "CANCELLING", "Cancelling", now_us(), reason)
        self.propose_flow_run_state(run_id, state)

    def _decide(
        self, cx: Transaction, run: FlowRunRecord, state: StateRecord, *, force: bool, attempt: int | None
    ) -> Decision:
        now, facts = now_us(), Facts()
        if run.deployment_id is not None:
            from prefect._backend.deployment_slots import facts_of  # only runs of deployments pay for it

            facts = facts_of(cx, run, now)
        return decide(Transition(run, state, now, force=force, attempt=attempt, facts=facts))

    def _write(self, cx: Transaction, run: FlowRunRecord, changes: dict[str, Any]) -> FlowRunRecord:
        written = self._compare_and_set(cx, run, changes, only_if=None)
        assert written is not None
        return written

    def _compare_and_set(
        self,
        cx: Transaction,
        run: FlowRunRecord,
        changes: dict[str, Any],
        *,
        only_if: FlowRunRecord | None,
    ) -> FlowRunRecord | None:
        """Write a decision; None where the run is not any more what it was decided on."""
        state = changes.get("state")
        if state is not None and state.type in TERMINAL:
            changes = {**changes, "owner": None}
        # a column that is written keeps its index busy, even with the value it had
        columns = {
            name: value
            for name, value in changes.items()
            if name not in _WITH_STATE or value != getattr(run, name)
        }
        if not flow_runs.update(cx, run.id, columns, only_if=only_if) and only_if is not None:
            return None
        if state is not None:
            flow_runs.insert_state(cx, run.id, state)
            if state.type in TERMINAL and holds_slots(cx, run.id):
                from prefect._backend import slots  # few runs hold any

                slots.give_back_all(cx, [run.id])
                slots.freed(self.store)
            if changes.get("owner") is None:  # who takes a run up mirrors its states itself
                mirror(cx, run, state)
            if run.auto_scheduled and state.type in TERMINAL:
                from prefect._backend.schedule_policies import wake_next  # only runs of schedules pay for it

                wake_next(cx, run, now_us())
        return run._replace(**changes)

    def update_flow_run(self, run_id: bytes, changes: dict[str, Any]) -> None:
        with self.store.write() as cx:
            flow_runs.update(cx, run_id, changes | {"updated": now_us()})

    def create_task_run(self, row: TaskRunRecord) -> None:
        """Its row is enough: see `queues_rows`."""

    def take_task_run(self, run_id: bytes) -> TaskRunRecord | None:
        from prefect._backend import task_queue  # only task workers need it

        with self.store.write() as cx:
            return task_queue.adopt(cx, run_id, self.presence.register(cx))

    def attend(self) -> None:
        self.enter_flow_run(ATTENDING, _nothing)

    def process_id(self) -> bytes:
        return self.presence.id

    def enter_flow_run(self, run_id: bytes, cancel: Callable[[], None]) -> None:
        if not self.presence.enter(run_id, cancel):
            self.journal.wake()

    def leave_flow_run(self, run_id: bytes, *, unfinished: bool = False) -> None:
        self.presence.leave(run_id)
        if unfinished:
            with self.store.write() as cx:
                flow_runs.release(cx, run_id, self.presence.id)

    def read_flow_run(self, run_id: bytes | UUID) -> FlowRunRecord:
        key = _bytes(run_id)
        found = flow_runs.find(self.store, [Condition("id", "=", key)])
        return _require(found[0] if found else None, key)

    def find_flow_runs(
        self,
        *,
        flow_names: Sequence[str] = (),
        where: Iterable[Condition] = (),
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[FlowRunRecord]:
        conditions = list(where)
        if flow_names:
            conditions.append(Condition("flow_name", "in", tuple(flow_names)))
        return flow_runs.find(self.store, conditions, limit=limit, offset=offset)

    def read_flow_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        return flow_runs.states(self.store, _bytes(run_id))

    def delete_flow_runs(self, run_ids: Sequence[bytes]) -> int:
        with self.journal.transaction() as cx:
            return flow_runs.delete(cx, [_bytes(run_id) for run_id in run_ids])

    def read_task_run(self, run_id: bytes | UUID) -> TaskRunRecord:
        key = _bytes(run_id)
        found = task_runs.find(self.store, [Condition("id", "=", key)])
        if not found:
            raise ObjectNotFound(help_message=f"Task run {key.hex()} not found.")
        return found[0]

    def find_task_runs(
        self,
        *,
        flow_run_ids: Sequence[bytes] = (),
        where: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[TaskRunRecord]:
        conditions = list(where)
        if flow_run_ids:
            conditions.append(Condition("flow_run_id", "in", [_bytes(i) for i in flow_run_ids]))
        return task_runs.find(self.store, conditions, limit=limit, offset=offset, newest_first=newest_first)

    def read_task_run_states(self, run_id: bytes | UUID) -> list[StateRecord]:
        return states_of(self.read_task_run(run_id))

    def count_task_runs(self, flow_run_id: bytes) -> dict[str, int]:
        return task_runs.count_by_state(self.store, flow_run_id)

    def recorded_task_runs(self, flow_run_id: bytes) -> list[TaskRunRecord]:
        return task_runs.recorded(self.store, flow_run_id)

    def find_logs(
        self,
        *,
        flow_run_id: bytes | None = None,
        task_run_id: bytes | None = None,
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[LogRecord]:
        conditions = [
            Condition(column, "=", _bytes(value))
            for column, value in (("flow_run_id", flow_run_id), ("task_run_id", task_run_id))
            if value is not None
        ]
        return logs.find(self.store, conditions, limit=limit, offset=offset, newest_first=newest_first)

    def limits_of_tags(self, tags: Sequence[str]) -> list[str]:
        key, now = tuple(tags), time.monotonic()
        known = self._limits.get(key)
        if known is None or known[0] < now - LIMITS_SECONDS:
            from prefect._storage import concurrency  # only tasks with tags need it

            known = now, concurrency.known(self.store, [f"tag:{tag}" for tag in tags])
            self._limits[key] = known
        return known[1]

    def forget_limits(self) -> None:
        """One was made, or removed, by this process: the next task with a tag asks again."""
        self._limits.clear()

    def read_process(self, process_id: bytes) -> ProcessRecord | None:
        return processes.read(self.store, process_id)

    def reap(self) -> list[FlowRunRecord]:
        return reaper.reap(self.store, self.presence.id, heard_since=self.heard_since)

    def claim_flow_run(self, run_id: bytes, seen: bytes) -> bool:
        pending = StateRecord(new_id(), "PENDING", "Pending", now_us())
        return self.propose_flow_run_state(run_id, pending, only_if_state=seen).status == "ACCEPT"

    def executor_ended(
        self, run_id: bytes, *, host: str, pid: int | None, cause: str | None, hand_over: bool = False
    ) -> FlowRunRecord:
        from prefect._backend import executors  # only runners and workers

        return executors.executor_ended(self, run_id, host=host, pid=pid, cause=cause, hand_over=hand_over)

    def close(self) -> None:
        with contextlib.closing(self.store):
            if self._room is not None:
                self._room.close()
            if self._news is not None:
                self._news.close()
            self.journal.close()
            self.presence.close()

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        self._room = self._news = None
        self.store.abandon()


def _nothing() -> None:
    """Nobody asks a task worker to stop in this way."""


def _bytes(run_id: bytes | UUID) -> bytes:
    return run_id if isinstance(run_id, bytes) else run_id.bytes


def _settle(cx: Transaction, run: FlowRunRecord, decision: Accept | Reject) -> None:
    if isinstance(decision, Accept) and decision.state.type == "PAUSED":
        from prefect._storage import run_inputs  # only runs that pause pay for it

        keyset: dict[str, str] = (decision.state.details or {}).get("run_input_keyset") or {}
        # what a pause of that key was told in an earlier try; its schema of this one is there already
        run_inputs.forget(cx, run.id, keyset.values(), before=run.state.timestamp)
    if decision.slot is not None:
        from prefect._backend.deployment_slots import settle  # only runs of limited deployments pay for it

        settle(cx, run, decision, now_us())


def _require(run: FlowRunRecord | None, run_id: bytes) -> FlowRunRecord:
    if run is None:
        raise ObjectNotFound(help_message=f"Flow run {run_id.hex()} not found.")
    return run

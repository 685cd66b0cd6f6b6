"""What a store says at one moment, and whether it can be true."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from prefect._backend import resolve
from prefect.settings import temporary_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from prefect._backend.protocol import Backend
    from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord

FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
SETTLED = FINAL - {"CRASHED"}  # a crashed run may be taken up again, these never change


class Ledger(NamedTuple):
    """Everything on record about runs, by id. `recorded` holds the task runs that a resumed run replays."""

    flow_runs: dict[bytes, FlowRunRecord]
    flow_states: dict[bytes, list[StateRecord]]
    task_runs: dict[bytes, TaskRunRecord]
    task_states: dict[bytes, list[StateRecord]]
    recorded: dict[bytes, TaskRunRecord]

    def root(self, flow_name: str) -> FlowRunRecord | None:
        """The oldest run of that flow that is no subflow; None where none is on record."""
        roots = [
            run
            for run in self.flow_runs.values()
            if run.flow_name == flow_name and not run.parent_flow_run_id
        ]
        return min(roots, key=lambda run: run.created, default=None)


def read(home: Path) -> Ledger:
    """What is on record in the store of that PREFECT_HOME; who looks sees the dead to be dead."""
    return read_store(f"sqlite:///{home / 'pluperfect.db'}")


def read_store(url: str) -> Ledger:
    """What is on record in the store of that URL."""
    with _backend(url) as backend:
        flow_runs = {run.id: run for run in backend.find_flow_runs(limit=None)}
        task_runs = {run.id: run for run in backend.find_task_runs()}
        return Ledger(
            flow_runs,
            {run_id: backend.read_flow_run_states(run_id) for run_id in flow_runs},
            task_runs,
            {run_id: backend.read_task_run_states(run_id) for run_id in task_runs},
            {
                run.id: run
                for run_id in flow_runs
                for run in backend.recorded_task_runs(run_id)
                if run.state_type == "COMPLETED"
            },
        )


@contextlib.contextmanager
def _backend(url: str) -> Generator[Backend, None, None]:
    with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
        try:
            yield resolve.backend()
        finally:
            resolve.close(url)


# --- what must hold; each function returns what does not, in words ----------------------------------


def file_faults(home: Path) -> list[str]:
    """Whether the file itself is sound, as SQLite sees it."""
    with contextlib.closing(sqlite3.connect(home / "pluperfect.db")) as connection:
        integrity = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        dangling = [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
    return [f"the file is damaged: {text}" for text in integrity + dangling]


def inconsistencies(ledger: Ledger) -> list[str]:
    """Rows that contradict themselves or another row."""
    faults = [fault for run in ledger.flow_runs.values() for fault in _flow_run_faults(ledger, run)]
    return faults + [fault for run in ledger.task_runs.values() for fault in _task_run_faults(ledger, run)]


def _flow_run_faults(ledger: Ledger, run: FlowRunRecord) -> list[str]:
    states = ledger.flow_states[run.id]
    checks = {
        "its last state is not its present one": bool(states) and states[-1] == run.state,
        "its states are not in order": _is_ordered(states),
        "it has ended more often than it was tried": sum(s.type in FINAL for s in states) <= run.attempt,
    }
    if run.state.type in FINAL:
        checks["it has ended and has an owner"] = run.owner is None
        checks["it ended before it started, or never"] = (
            run.start_time is not None and run.end_time is not None and run.start_time <= run.end_time
        )
    if run.parent_task_run_id is not None:
        stands_for = ledger.task_runs.get(run.parent_task_run_id)
        checks["the task run that stands for it is not on record"] = stands_for is not None
        checks["the task run that stands for it ended otherwise"] = (
            stands_for is None
            or stands_for.state_type not in SETTLED
            or stands_for.state_type == run.state.type
        )
    return [f"flow run {run.name} ({run.state.name}): {said}" for said, holds in checks.items() if not holds]


def _task_run_faults(ledger: Ledger, run: TaskRunRecord) -> list[str]:
    states = ledger.task_states[run.id]
    checks = {
        "its last state is not its present one": bool(states)
        and (states[-1].type, states[-1].name) == (run.state_type, run.state_name),
        "its states are not in order": _is_ordered(states),
        "its flow run is not on record": run.flow_run_id is None or run.flow_run_id in ledger.flow_runs,
    }
    if run.state_type in FINAL:
        checks["it has ended at no time"] = run.end_time is not None
        checks["it ended before it started"] = (run.start_time or 0) <= (run.end_time or 0)
    return [f"task run {run.name} ({run.state_name}): {said}" for said, holds in checks.items() if not holds]


def _is_ordered(states: Sequence[StateRecord]) -> bool:
    times = [state.timestamp for state in states]
    return times == sorted(set(times))


def changes_of_what_had_ended(before: Ledger, after: Ledger) -> list[str]:
    """What had ended and is not as it was, and states that were on record and have gone."""
    faults: list[str] = []
    for run in before.flow_runs.values():
        if run.state.type in SETTLED and after.flow_runs.get(run.id) != run:
            faults.append(f"flow run {run.name} had ended ({run.state.name}) and was changed")
        states = before.flow_states[run.id]
        if after.flow_states.get(run.id, [])[: len(states)] != states:
            faults.append(f"flow run {run.name} has lost states")
    return faults + [
        f"task run {run.name} had ended ({run.state_name}) and was changed"
        for run in before.task_runs.values()
        if run.state_type in FINAL and after.task_runs.get(run.id) != run
    ]


def unfinished(ledger: Ledger) -> list[str]:
    """Task runs that have not ended."""
    return [
        f"task run {run.name} is left {run.state_name}"
        for run in ledger.task_runs.values()
        if run.state_type not in FINAL
    ]


class Repeat(NamedTuple):
    """A task run whose result was recorded, and the later run of the same call."""

    first: TaskRunRecord
    again: TaskRunRecord

    @property
    def inputs_changed(self) -> bool:
        """Whether the flow made the call with other inputs: then the recorded result was rightly not used."""
        return self.again.inputs_digest is not None and self.first.inputs_digest != self.again.inputs_digest


def repeats(before: Ledger, after: Ledger) -> list[Repeat]:
    """The calls whose result was on record `before`, and which were run again since."""
    recorded = {(run.flow_run_id, run.memo): run for run in before.recorded.values()}
    return [
        Repeat(recorded[run.flow_run_id, run.memo], run)
        for run in after.task_runs.values()
        if run.id not in before.task_runs
        and (run.flow_run_id, run.memo) in recorded
        and run.start_time is not None
    ]

"""A pipeline in a process of its own, killed and resumed; and what its store says meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from prefect._backend import resolve
from prefect._backend.protocol import Backend
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord
from prefect.settings import temporary_settings

PIPELINE = Path(__file__).parent / "programs" / "pipeline.py"
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SETTLED = FINAL - {"CRASHED"}  # a crashed run may be taken up again, these never change


class View(NamedTuple):
    """What is on record, at one moment."""

    flow_runs: dict[bytes, FlowRunRecord]
    flow_states: dict[bytes, list[StateRecord]]
    task_runs: dict[bytes, TaskRunRecord]
    task_states: dict[bytes, list[StateRecord]]
    recorded: set[str]

    @property
    def root(self) -> FlowRunRecord | None:
        """The run of the pipeline itself."""
        found = [run for run in self.flow_runs.values() if run.flow_name == "pipeline"]
        assert len(found) <= 1, "a resumed run is the same run"
        return found[0] if found else None


class Wreck:
    """The pipeline, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.notes = folder / "notes"
        self.notes.touch()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = {**inherited, "PREFECT_HOME": str(self.home), "NOTES": str(self.notes)}

    def run(self, **environment: str) -> int:
        """Run the pipeline to its end, whatever that is; its exit code."""
        with self._start([str(PIPELINE)], environment) as process:
            return process.wait(timeout=60)

    def run_for(self, seconds: float) -> tuple[int, float]:
        """Run the pipeline and kill it that long after it has begun, unless it has ended; its exit code and time."""
        with self._start([str(PIPELINE)], {}) as process:
            assert process.stdout
            assert process.stdout.readline() == "started\n"
            began = time.monotonic()
            return kill_after(process, seconds), time.monotonic() - began

    def retry(self, run_id: bytes) -> int:
        """Resume the run by the command line; its exit code."""
        with self._start(["-m", "prefect", "flow-run", "retry", str(UUID(bytes=run_id))], {}) as process:
            return process.wait(timeout=60)

    def retry_for(self, run_id: bytes, seconds: float) -> int:
        """Resume the run and kill it that long after the command has been started; its exit code."""
        with self._start(["-m", "prefect", "flow-run", "retry", str(UUID(bytes=run_id))], {}) as process:
            return kill_after(process, seconds)

    def ask(self, *arguments: str) -> str:
        """What the command line answers."""
        command = [sys.executable, "-m", "prefect", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def lines(self) -> list[str]:
        """What the pipeline has noted so far."""
        return self.notes.read_text().splitlines()

    def view(self) -> View:
        """What is on record now, as the backend reads it."""
        with self._backend() as backend:
            flow_runs = {run.id: run for run in backend.find_flow_runs(limit=None)}
            task_runs = {run.id: run for run in backend.find_task_runs()}
            return View(
                flow_runs,
                {run_id: backend.read_flow_run_states(run_id) for run_id in flow_runs},
                task_runs,
                {run_id: backend.read_task_run_states(run_id) for run_id in task_runs},
                {
                    run.name
                    for run_id in flow_runs
                    for run in backend.recorded_task_runs(run_id)
                    if run.state_type == "COMPLETED"
                },
            )

    def check_file(self) -> None:
        """The file itself is sound, as SQLite sees it."""
        with contextlib.closing(sqlite3.connect(self.home / "pluperfect.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    @contextlib.contextmanager
    def _backend(self) -> Iterator[Backend]:
        url = f"sqlite:///{self.home / 'pluperfect.db'}"
        with temporary_settings({"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}):
            try:
                yield resolve.backend()
            finally:
                resolve.close(url)

    def _start(self, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def kill_after(process: subprocess.Popen[Any], seconds: float) -> int:
    """Kill it with SIGKILL after that time, unless it has ended; its exit code."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


# --- what must hold ---------------------------------------------------------------------------------


def assert_consistent(view: View) -> None:
    """Every row agrees with every other."""
    for run_id, run in view.flow_runs.items():
        states = view.flow_states[run_id]
        assert states[-1] == run.state
        assert_ordered(states)
        assert sum(state.type in FINAL for state in states) <= run.attempt
        if run.state.type in FINAL:
            assert run.owner is None
            assert run.end_time is not None
            assert run.start_time is not None
            assert run.start_time <= run.end_time
        if run.parent_task_run_id is not None:
            tracking = view.task_runs[run.parent_task_run_id]
            if tracking.state_type in SETTLED:
                assert tracking.state_type == run.state.type
    for run_id, run in view.task_runs.items():
        states = view.task_states[run_id]
        assert (states[-1].type, states[-1].name) == (run.state_type, run.state_name)
        assert_ordered(states)
        assert run.flow_run_id in view.flow_runs
        if run.state_type in FINAL:
            assert run.end_time is not None
            assert run.start_time is None or run.start_time <= run.end_time


def assert_ordered(states: list[StateRecord]) -> None:
    """Each state is later than the one before."""
    times = [state.timestamp for state in states]
    assert times == sorted(set(times))


def assert_nothing_final_changed(before: View, after: View) -> None:
    """What had ended is as it was, and no state that was on record has gone."""
    for run_id, run in before.flow_runs.items():
        if run.state.type in SETTLED:
            assert after.flow_runs[run_id] == run
        states = before.flow_states[run_id]
        assert after.flow_states[run_id][: len(states)] == states
    for run_id, task_run in before.task_runs.items():
        if task_run.state_type in FINAL:
            assert after.task_runs[run_id] == task_run

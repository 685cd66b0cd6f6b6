"""A store, runs to be inside of, and fresh interpreters, for the tests of logging."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import prefect.logging
from prefect._backend import resolve
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.configuration import setup_logging
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord
from prefect.settings import temporary_settings

SOURCE = Path(prefect.logging.__file__).parents[2]


@pytest.fixture(name="store")
def a_store(tmp_path):
    """The backend on a store of the test's own, with logging set up as by default."""
    url = f"sqlite:///{tmp_path}/logs.db"
    settings = {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_DATABASE_CONNECTION_URL": url,
        "PREFECT_LOGGING_CONFIG_PATH": str(tmp_path / "logging.yml"),
    }
    with temporary_settings(settings):
        setup_logging(incremental=False)
        yield resolve.backend()
        resolve.close(url)
    setup_logging(incremental=False)  # whatever the test did to it


@pytest.fixture(name="records")
def some_records():
    """Every record of the package's loggers."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append
    logging.getLogger("prefect").addHandler(handler)
    yield found
    logging.getLogger("prefect").removeHandler(handler)


@contextlib.contextmanager
def flow_run(name="calm-otter", flow_name="etl", log_prints=False):
    """Be inside a flow run."""
    now = now_us()
    context = FlowRunContext()
    context.record = FlowRunRecord(
        id=new_id(),
        name=name,
        flow_id=new_id(),
        flow_name=flow_name,
        state=StateRecord(new_id(), "RUNNING", "Running", now),
        created=now,
        updated=now,
    )
    context.flow = SimpleNamespace(name=flow_name)
    context.log_prints = log_prints
    with context:
        yield context.record


class _TaskRun(TaskRunContext):
    __slots__ = ("row",)

    @property
    def record(self):
        return self.row


@contextlib.contextmanager
def task_run(name="load-a1b", task_name="load", log_prints=False):
    """Be inside a task run, of the flow run one is in, if any."""
    flow = FlowRunContext.get()
    now = now_us()
    context = _TaskRun()
    context.row = TaskRunRecord(
        id=new_id(),
        flow_run_id=flow.record.id if flow else None,
        attempt=1,
        task_key=f"{task_name}-0123abcd",
        created=now,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        name=name,
        state_type="RUNNING",
        state_name="Running",
        state_timestamp=now,
    )
    context.task = SimpleNamespace(name=task_name)
    context.log_prints = log_prints
    with context:
        yield context.row


def lines_of(store, run):
    """What is on record for a flow run or a task run, after the barrier."""
    store.journal.commit()
    if isinstance(run, FlowRunRecord):
        return store.find_logs(flow_run_id=run.id)
    return store.find_logs(task_run_id=run.id)


def run_python(code, home, **environment):
    """Run code in a fresh interpreter, piped."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**kept, "PYTHONPATH": str(SOURCE), "PREFECT_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

"""The hooks of a run whose process did not live to call them: called in a process of their own."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from uuid import UUID

from prefect._base.drive import drive
from prefect._engine.hooks import run_hooks
from prefect._loading import load_flow
from prefect.client.orchestration import get_client
from prefect.logging.loggers import flow_run_logger

if TYPE_CHECKING:
    from prefect.model.records import FlowRunRecord
    from prefect.runner._children import Source

_log = logging.getLogger("prefect.runner")
_SECONDS = 60.0
_HOOKS = {"CANCELLED": "on_cancellation_hooks", "CRASHED": "on_crashed_hooks"}


def call_hooks(source: Source, record: FlowRunRecord, environment: dict[str, str]) -> threading.Thread:
    """Have the hooks of the run's state called; the thread that waits for that."""
    command = [sys.executable, "-m", __name__, source.entrypoint, str(UUID(bytes=record.id))]
    folder = source.folder

    def wait() -> None:
        try:
            subprocess.run(command, cwd=folder, env=environment, timeout=_SECONDS, check=True)  # noqa: S603 - our own module
        except (OSError, subprocess.SubprocessError) as exc:
            _log.warning("The hooks of flow run '%s' could not be called: %s", record.name, exc)

    thread = threading.Thread(target=wait, name="prefect-hooks")
    thread.start()
    return thread


def main(entrypoint: str, run_id: str) -> None:
    """Call the hooks of the state that a run is in."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(run_id))
    flow = load_flow(entrypoint)
    assert run.state is not None
    hooks = getattr(flow, _HOOKS.get(run.state.type.value, ""), ())
    drive(run_hooks(hooks, flow, run, run.state, flow_run_logger(run, flow)))


if __name__ == "__main__":
    main(*sys.argv[1:])

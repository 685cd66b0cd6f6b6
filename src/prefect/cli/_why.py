"""Why a flow run is in its state, in a sentence or two, and what to type next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from prefect._backend import spill
from prefect._backend.resolve import backend
from prefect._base import procinfo
from prefect._base.clock import now_us
from prefect._storage.filters import Condition
from prefect.cli._output import format_time
from prefect.cli._runs import TERMINAL, duration_text, flow_run_duration, task_run_duration, uuid_text
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.model.concurrency import SlotHolder, SlotWait
    from prefect.model.records import FlowRunRecord, TaskRunRecord

MOST_TASKS = 4  # that are named


class Reason(NamedTuple):
    """What is to be said, and the next command (None: there is nothing to do)."""

    text: str
    command: str | None


def why(run: FlowRunRecord) -> Reason:
    """Why the run is in its state; and what a server has not been told yet."""
    found = _BY_TYPE[run.state.type](run)
    if run.state.type not in TERMINAL:
        found = found._replace(text=found.text + _slots(run))
    settings = get_current_settings()
    if settings.api.url is None:
        return found
    waiting = spill.report(Path(settings.home) / "spill", settings.api.url.rstrip("/"))
    return found if waiting is None else found._replace(text=f"{found.text} {waiting}")


def retry_command(run: FlowRunRecord) -> str:
    """What goes on with a run that has ended: a subflow's root does, and takes it up again."""
    return f"prefect flow-run retry {uuid_text(run.root_flow_run_id or run.id)}"


def place(run: FlowRunRecord) -> str | None:
    """Where the run is executed: pid, host and lease; None while it is nowhere."""
    process = backend().read_process(run.owner) if run.owner is not None else None
    if process is None:
        return None
    where = "this machine" if process.host == procinfo.host_name() else process.host
    remaining = max(0, process.lease_until - now_us())
    return f"pid {process.pid} on {where}, lease for another {duration_text(remaining)}"


def _completed(run: FlowRunRecord) -> Reason:
    counts = backend().count_task_runs(run.id)
    tasks = f"{sum(counts.values())} task runs" if counts else "no task runs"
    spent = duration_text(flow_run_duration(run))
    said = f" It says: {run.state.message}" if run.state.message else ""
    text = f"It {run.state.name.lower()} {_when(run)}, after {spent} with {tasks}.{said}"
    return Reason(text, f"prefect flow-run logs {uuid_text(run.id)}")


def _failed(run: FlowRunRecord) -> Reason:
    parts = [f"It failed {_when(run)}: {_sentence(run.state.message)}"]
    failed = _task_runs(run, "FAILED")
    if failed:
        first = min(failed, key=lambda each: each.state_timestamp)
        more = f" ({len(failed) - 1} more failed after it)" if len(failed) > 1 else ""
        parts.append(f"The task run '{first.name}' failed first{more}: {_sentence(first.state_message)}")
    return Reason(" ".join(parts), retry_command(run))


def _crashed(run: FlowRunRecord) -> Reason:
    parts = [f"It crashed {_when(run)}: {_sentence(run.state.message)}"]
    caught = _task_runs(run, "CRASHED")
    if caught:
        parts.append(f"It was running {_listed(caught)} then.")
    return Reason(" ".join(parts), retry_command(run))


def _cancelled(run: FlowRunRecord) -> Reason:
    return Reason(f"It was cancelled {_when(run)}: {_sentence(run.state.message)}", retry_command(run))


def _cancelling(run: FlowRunRecord) -> Reason:
    where = place(run)
    if where is None:
        text = f"Somebody asked it to stop {_when(run)}. No process is known to execute it."
    else:
        text = f"Somebody asked it to stop {_when(run)}, and it has not stopped yet ({where})."
    return Reason(text, f"prefect flow-run cancel {uuid_text(run.id)}")


def _running(run: FlowRunRecord) -> Reason:
    where = place(run)
    if where is None:
        text = f"It is {run.state.name} since {_when(run)}, but no process executes it."
        return Reason(text, f"prefect flow-run execute {uuid_text(run.id)}")
    running, waiting = _task_runs(run, "RUNNING"), _task_runs(run, "SCHEDULED", "PENDING")
    parts = [f"It has been running for {duration_text(flow_run_duration(run))} ({where})."]
    if running:
        parts.append(f"Right now it is in {_listed(running)}.")
    if waiting:
        parts.append(f"Waiting: {_listed(waiting)}.")
    if not running and not waiting:
        parts.append("No task is running right now.")
    return Reason(" ".join(parts), f"prefect flow-run watch {uuid_text(run.id)}")


def _pending(run: FlowRunRecord) -> Reason:
    if run.state.name == "NotReady":
        text = f"It was not run, because an input of it did not complete. {_sentence(run.state.message)}"
        return Reason(text, retry_command(run))
    where = place(run)
    if where is not None:
        return Reason(f"It is about to start ({where}).", f"prefect flow-run watch {uuid_text(run.id)}")
    text = f"It waits since {_when(run)} for a process to execute it.{_said(run)}"
    return Reason(text, f"prefect flow-run execute {uuid_text(run.id)}")


def _scheduled(run: FlowRunRecord) -> Reason:
    due = (run.state.details or {}).get("scheduled_time")
    time = format_time(due) or "no time that is known"
    where = place(run)
    if run.state.name == "AwaitingRetry":
        tries = f"try {run.run_count + 1} of {(run.policy.get('retries') or 0) + 1}"
        text = f"It failed ({_sentence(run.state.message)}) and waits for {tries}, due {time}."
    elif run.state.name == "AwaitingConcurrencySlot":
        text = f"It waits for a free slot of its deployment's concurrency limit; it asks again {time}."
    else:
        late = " It is late: nobody has picked it up." if run.state.name == "Late" else ""
        text = f"It is {run.state.name} for {time}.{late}{_said(run)}"
    if where is not None:
        return Reason(f"{text} It waits in {where}.", f"prefect flow-run watch {uuid_text(run.id)}")
    return Reason(text, f"prefect flow-run execute {uuid_text(run.id)}")


def _paused(run: FlowRunRecord) -> Reason:
    until = (run.state.details or {}).get("pause_timeout")
    limit = f" It fails if nobody does so until {format_time(until)}." if until else ""
    text = (
        f"It is {run.state.name} since {_when(run)} and waits for somebody to resume it.{limit}{_said(run)}"
    )
    return Reason(text, f"prefect flow-run cancel {uuid_text(run.id)}")


_BY_TYPE: dict[str, Callable[[FlowRunRecord], Reason]] = {
    "COMPLETED": _completed,
    "FAILED": _failed,
    "CRASHED": _crashed,
    "CANCELLED": _cancelled,
    "CANCELLING": _cancelling,
    "RUNNING": _running,
    "PENDING": _pending,
    "SCHEDULED": _scheduled,
    "PAUSED": _paused,
}


def _task_runs(run: FlowRunRecord, *state_types: str) -> list[TaskRunRecord]:
    where = [Condition("state_type", "in", state_types)]
    return backend().find_task_runs(flow_run_ids=[run.id], where=where, limit=1000)


def _slots(run: FlowRunRecord) -> str:
    """What it waits for slots of, and who holds them."""
    with get_client(sync_client=True) as client:
        waits = client.read_slot_waits(UUID(bytes=run.id))
    told = [_slot_wait(run, one) for one in waits[:MOST_TASKS]]
    if len(waits) > MOST_TASKS:
        told.append(f"{len(waits) - MOST_TASKS} more of its task runs wait for slots.")
    return "".join(f" {one}" for one in told)


def _slot_wait(run: FlowRunRecord, wait: SlotWait) -> str:
    who = "It" if wait.waiter.id.bytes == run.id else f"Its task run '{wait.name}'"
    held = ", ".join(f"{_holder(one)} since {format_time(one.since)}" for one in wait.holders)
    return (
        f"{who} waits for a slot of limit '{wait.limit}' ({wait.slots} in all) since {format_time(wait.since)}"
        + (f", held by {held}." if held else ".")
    )


def _holder(one: SlotHolder) -> str:
    if one.type is None:
        return "somebody outside of a run"
    return f"{one.type.replace('_', ' ')} " + (f"'{one.name}'" if one.name else str(one.id))


def _listed(runs: list[TaskRunRecord]) -> str:
    """`load-0 (3.2s), load-1 (NotReady)` and how many more."""
    shown = [f"'{run.name}' ({_note(run)})" for run in runs[:MOST_TASKS]]
    more = f" and {len(runs) - MOST_TASKS} more" if len(runs) > MOST_TASKS else ""
    return ", ".join(shown) + more


def _note(run: TaskRunRecord) -> str:
    return (
        duration_text(task_run_duration(run)) if run.state_type in {"RUNNING", "CRASHED"} else run.state_name
    )


def _when(run: FlowRunRecord) -> str:
    return format_time(run.state.timestamp)


def _sentence(message: str | None) -> str:
    """A message as the end of a sentence: its first line, with a full stop."""
    lines = (message or "").strip().splitlines()
    if not lines:
        return "no reason was recorded."
    return lines[0] if lines[0].endswith((".", "!", "?")) else f"{lines[0]}."


def _said(run: FlowRunRecord) -> str:
    return f" {_sentence(run.state.message)}" if run.state.message else ""

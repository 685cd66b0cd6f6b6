"""Death is noticed: runs whose process is gone become Crashed, with the cause where it can be known.

On the same machine a dead process is seen at once (its pid, or a reused pid's start time, or a reboot); elsewhere
its lease runs out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._backend import slots, task_queue
from prefect._backend.mirror import mirror
from prefect._backend.task_run_end import end_task_run
from prefect._base import procinfo
from prefect._base.clock import now_us, to_datetime
from prefect._base.ids import new_id
from prefect._storage import flow_runs, processes, task_runs
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._storage.protocol import Store, Transaction
    from prefect.model.records import FlowRunRecord, ProcessRecord


UNHEARD_US = 15 * 60 * 1_000_000


def reap(store: Store, own_process: bytes | None, *, heard_since: int | None = None) -> list[FlowRunRecord]:
    """Crash what the dead have left, and forget them; the flow runs concerned, as they are now.

    Args:
        store: where.
        own_process: who asks, and lives.
        heard_since: since when (microseconds UTC) processes elsewhere could have renewed their leases here; None
            where they cannot, as no server runs here.
    """
    reaped: list[FlowRunRecord] = []
    for process in processes.others(store, own_process):
        cause = cause_of_death(process, heard_since=heard_since)
        if cause is not None:
            with store.write() as cx:
                reaped += bury(cx, process, cause)
                slots.freed(store)
    return reaped


def cause_of_death(process: ProcessRecord, *, heard_since: int | None = None) -> str | None:
    """Why a process is believed dead, in words; None while it is believed alive.

    Of one that reports over HTTP only its pid space tells whether it runs here: another machine may have this one's
    name, and a container its own pids. Its lease counts where it could be renewed: in a server that was not away
    itself. Where nobody can hear it, it is given a quarter of an hour more.
    """
    if process.pid_space is not None:
        here = process.pid_space == procinfo.pid_space()
    else:
        here = process.host == procinfo.host_name()
    if here:
        if process.boot_id != procinfo.boot_id():
            return f"{_who(process)} ended when the machine restarted."
        if procinfo.is_alive(process.pid, process.pid_start):
            return None
        return f"{_who(process)} ended without reporting{_memory(process)}"
    if _expires(process, heard_since) < now_us():
        since = f"{to_datetime(process.lease_until):%Y-%m-%d %H:%M:%S} UTC"
        return f"{_who(process)} has not renewed its lease since {since}."
    return None


def _expires(process: ProcessRecord, heard_since: int | None) -> int:
    if process.pid_space is None:
        return process.lease_until
    late = process.lease_until + UNHEARD_US
    return late if heard_since is None else min(late, max(process.lease_until, heard_since))


def _who(process: ProcessRecord) -> str:
    return f"The process that executed the run (pid {process.pid} on {process.host})"


def _memory(process: ProcessRecord) -> str:
    kills = procinfo.oom_kills()
    if kills is not None and process.oom_kills is not None and kills > process.oom_kills:
        blame = ": the kernel killed a process of this control group for want of memory meanwhile"
    else:
        blame = ": it was killed, or its machine stopped it"
    peak = f"; it had used up to {process.peak_memory / 1e6:.0f} MB." if process.peak_memory else "."
    return blame + peak


def bury(cx: Transaction, process: ProcessRecord, cause: str) -> list[FlowRunRecord]:
    """Crash what a process has left, and forget it."""
    now = now_us()
    buried: list[FlowRunRecord] = []
    for run in flow_runs.owned_by(cx, process.id):
        for task_run in task_runs.unfinished(cx, column="flow_run_id", value=run.id):
            if task_queue.is_background(task_run):  # a worker executes it, or will
                continue
            end_task_run(cx, task_run, "CRASHED", cause, now)
        buried.append(_crash_flow_run(cx, run, cause, now))
    for task_run in task_runs.unfinished(cx, column="process_id", value=process.id):
        if task_queue.may_run_again(task_run):
            task_queue.reschedule(cx, task_run, cause)
        else:
            end_task_run(cx, task_run, "CRASHED", cause, now)
    processes.remove(cx, process.id)
    return buried


def _crash_flow_run(cx: Transaction, run: FlowRunRecord, cause: str, now: int) -> FlowRunRecord:
    """Crashed; or Cancelled, if that was asked for and its death is what was waited for."""
    cancelling = run.state.type == "CANCELLING"
    state = StateRecord(
        new_id(),
        "CANCELLED" if cancelling else "CRASHED",
        "Cancelled" if cancelling else "Crashed",
        max(now, run.state.timestamp + 1),
        cause,
    )
    running = run.state.timestamp if run.state.type in {"RUNNING", "CANCELLING"} else now
    changes = {
        "state": state,
        "owner": None,
        "updated": now,
        "end_time": now,
        "start_time": run.start_time or now,
        "total_run_time": run.total_run_time + max(0, now - running),
    }
    flow_runs.update(cx, run.id, changes)
    flow_runs.insert_state(cx, run.id, state)
    slots.give_back_all(cx, [run.id])
    ended = run._replace(**changes)
    if run.deployment_id is not None:
        from prefect._backend.deployment_slots import give_back_slot_of  # only runs of deployments pay for it

        give_back_slot_of(cx, run)
        mirror(cx, ended, state)
    return ended

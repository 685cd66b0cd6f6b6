"""What becomes of a run whose executor has ended: Crashed or Cancelled with the cause, and executed again if it may be.

A deployment says in a label how often its runs are recovered; each recovery is a state of the run, so that they are
counted whoever makes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._backend import reaper
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import flow_runs, processes
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend
    from prefect.model.records import FlowRunRecord, ProcessRecord

RECOVER_LABEL = "pluperfect.recover"
RECOVERING = "Recovering"  # executed again because its process has died
HANDED_OVER = "HandedOver"  # executed again because its runner has shut down
_BEFORE_RUNNING = frozenset(("PENDING", "RUNNING", "CANCELLING"))


def executor_ended(
    backend: LocalBackend, run_id: bytes, *, host: str, pid: int | None, cause: str | None, hand_over: bool
) -> FlowRunRecord:
    """Record the end of a run's process, where that has not said how the run ended; the run as it is then.

    Args:
        backend: on the store.
        run_id: the run.
        host: the machine of the process.
        pid: the process; None where none could be started.
        cause: why it ended, for people; None where it has reported the run's end, or has left the run to another.
        hand_over: it was told to end, and another is to go on with the run, however often it was recovered.

    Raises:
        ObjectNotFound: there is no such run.
    """
    run = backend.read_flow_run(run_id)
    if cause is None:
        pass
    elif run.owner is not None:
        _bury_owner(backend, run.owner, host, pid, cause)
    elif run.state.type in _BEFORE_RUNNING:
        _end_unowned(backend, run, cause)
    recover(backend, run_id, hand_over=hand_over)
    return backend.read_flow_run(run_id)


def recover(backend: LocalBackend, run_id: bytes, *, hand_over: bool = False) -> bool:
    """Schedule a crashed run of a deployment again, now, if it was not recovered too often; whether it was."""
    run = backend.read_flow_run(run_id)
    if run.state.type != "CRASHED" or run.deployment_id is None:
        return False
    most = run.labels.get(RECOVER_LABEL, 0)
    if not hand_over and _recoveries(backend, run_id) >= most:
        return False
    now = max(now_us(), run.state.timestamp + 1)
    name = HANDED_OVER if hand_over else RECOVERING
    state = StateRecord(new_id(), "SCHEDULED", name, now, run.state.message, None, {"scheduled_time": now})
    answer = backend.propose_flow_run_state(run_id, state, only_if_state=run.state.id)
    return answer.status == "ACCEPT"


def _recoveries(backend: LocalBackend, run_id: bytes) -> int:
    return sum(state.name == RECOVERING for state in flow_runs.states(backend.store, run_id))


def _bury_owner(backend: LocalBackend, owner: bytes, host: str, pid: int | None, cause: str) -> None:
    process = processes.read(backend.store, owner)
    if process is None or not _is_over(process, host, pid, backend.heard_since):
        return
    with backend.journal.transaction() as cx:
        reaper.bury(cx, process, cause)


def _is_over(process: ProcessRecord, host: str, pid: int | None, heard_since: int | None) -> bool:
    """Whether it is the one that has ended, or is seen to be dead; another may execute the run by now."""
    if (process.host, process.pid) == (host, pid):
        return True
    return reaper.cause_of_death(process, heard_since=heard_since) is not None


def _end_unowned(backend: LocalBackend, run: FlowRunRecord, cause: str) -> None:
    kind = "CANCELLED" if run.state.type == "CANCELLING" else "CRASHED"
    state = StateRecord(new_id(), kind, kind.title(), max(now_us(), run.state.timestamp + 1), cause)
    backend.propose_flow_run_state(run.id, state, force=True, only_if_state=run.state.id)

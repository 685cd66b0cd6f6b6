"""Stop a flow run: ask it, then SIGTERM, then SIGKILL; and say truthfully how far that went."""

from __future__ import annotations

import getpass
import os
import signal
from typing import TYPE_CHECKING

import click

from prefect._backend.resolve import backend
from prefect._base import procinfo
from prefect._base.clock import clock, now_us
from prefect._base.ids import new_id
from prefect._storage.filters import Condition
from prefect.cli._output import fail
from prefect.cli._runs import TERMINAL, duration_text, tree_of, uuid_text
from prefect.model.records import StateRecord
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._backend.protocol import Answer
    from prefect.model.records import FlowRunRecord, ProcessRecord

_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0  # the kernel's time to end a killed process


def cancel_flow_run(run: FlowRunRecord, *, wait: bool) -> None:
    """Cancel the run and what it has started.

    Args:
        run: which.
        wait: until it has stopped, by force if need be; else only ask.
    """
    asked = _ask(run)
    if asked.state.type in TERMINAL:
        click.echo(f"{asked.state.name} '{run.name}': no process was executing it.")
        return
    process = _process_of(asked)
    if process is None:
        click.echo(
            f"Asked '{run.name}' to stop. No process is known to execute it; whoever takes it up stops it."
        )
    elif process.host != procinfo.host_name():
        click.echo(
            f"Asked '{run.name}' to stop. It runs on {process.host} (pid {process.pid}): that process sees "
            f"this within {_poll_seconds():g} s. It cannot be killed from this machine."
        )
        click.echo(f"Follow it:  prefect flow-run watch {uuid_text(run.id)}")
    elif not wait:
        click.echo(f"Asked '{run.name}' to stop (pid {process.pid}). It is not killed if it does not.")
        click.echo(f"Follow it:  prefect flow-run watch {uuid_text(run.id)}")
    else:
        _report(run, _stop(run, process))


def _ask(run: FlowRunRecord) -> FlowRunRecord:
    """Propose Cancelling for the run and everything below it that has not ended; the run as it is then."""
    first, *below = tree_of(run)
    answer = _propose(first, "CANCELLING")
    if answer.status == "ABORT":
        fail(f"Flow run '{run.name}' has ended ({answer.run.state.name}): there is nothing to cancel.")
    for child in below:
        if child.state.type not in TERMINAL:
            _propose(child, "CANCELLING")
    return answer.run


def _propose(run: FlowRunRecord, state_type: str) -> Answer:
    """Propose it; a run that nobody executes, or is about to (a deployment's worker), is cancelled then."""
    message = f"Cancelled from the command line by {_user()}."
    state = StateRecord(new_id(), state_type, state_type.title(), now_us(), message)
    answer = backend().propose_flow_run_state(run.id, state)
    asked = answer.run
    nobody = asked.deployment_id is None and _process_of(asked) is None
    if nobody and asked.state.type == "CANCELLING" == state_type:
        return _propose(asked, "CANCELLED")
    return answer


def _process_of(run: FlowRunRecord) -> ProcessRecord | None:
    return backend().read_process(run.owner) if run.owner is not None else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return f"user {os.getuid()}"


def _stop(run: FlowRunRecord, process: ProcessRecord) -> FlowRunRecord:
    """See the run end: by itself, then by force."""
    grace = get_current_settings().runs.cancel_grace_seconds
    click.echo(f"Asked '{run.name}' to stop; waiting up to {grace:g} s for pid {process.pid}.")
    if _ends_within(grace, run, process) or process.pid == os.getpid():
        return backend().read_flow_run(run.id)
    _refuse_to_kill_others(run, process)
    if _send(signal.SIGTERM, process):
        click.echo(f"It has not stopped. Sent SIGTERM to pid {process.pid}; waiting up to {grace:g} s.")
        if _ends_within(grace, run, process):
            return backend().read_flow_run(run.id)
    if _send(signal.SIGKILL, process):
        click.echo(f"It has not stopped. Sent SIGKILL to pid {process.pid}.")
    _ends_within(_KILL_SECONDS, run, process)
    return backend().read_flow_run(run.id)


def _ends_within(seconds: float, run: FlowRunRecord, process: ProcessRecord) -> bool:
    """Whether the run reaches its end within so long. A process that is dead is buried on the way."""
    end = now_us() + seconds * 1_000_000
    while True:
        if backend().read_flow_run(run.id).state.type in TERMINAL:
            return True
        if not procinfo.is_alive(process.pid, process.pid_start):
            backend().reap()
            return backend().read_flow_run(run.id).state.type in TERMINAL
        if now_us() >= end:
            return False
        clock().sleep(_POLL_SECONDS)


def _refuse_to_kill_others(run: FlowRunRecord, process: ProcessRecord) -> None:
    """A signal ends the whole process: not allowed while it executes what nobody asked to stop."""
    ours = {each.id for each in tree_of(run)}
    owned = backend().find_flow_runs(where=[Condition("owner", "=", process.id)], limit=None)
    others = [each for each in owned if each.id not in ours]
    if others:
        names = ", ".join(f"'{each.name}'" for each in others[:3])
        fail(
            f"Flow run '{run.name}' does not stop by itself, and pid {process.pid} was not killed: it also "
            f"executes {names}. It is still Cancelling. To stop those too: prefect flow-run cancel "
            f"{uuid_text(others[0].root_flow_run_id or others[0].id)}"
        )


def _send(number: signal.Signals, process: ProcessRecord) -> bool:
    """Signal the process, and its group if it leads one; False where it is gone."""
    if not procinfo.is_alive(process.pid, process.pid_start):
        return False
    try:
        if hasattr(os, "killpg") and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        fail(f"Expected to be allowed to signal pid {process.pid}, which is another user's. Use sudo.")
    return True


def _report(run: FlowRunRecord, final: FlowRunRecord) -> None:
    if final.state.type == "CANCELLED":
        spent = duration_text(max(0, final.state.timestamp - run.state.timestamp))
        click.echo(f"Cancelled '{run.name}', {spent} after it had become {run.state.name}.")
    elif final.state.type in TERMINAL:
        fail(f"Flow run '{run.name}' ended as {final.state.name} before it could be cancelled.")
    else:
        fail(
            f"Flow run '{run.name}' is still {final.state.name}: its process does not stop. "
            f"See: prefect flow-run why {uuid_text(run.id)}"
        )


def _poll_seconds() -> float:
    return get_current_settings().runs.cancel_poll_seconds

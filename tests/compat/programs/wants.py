"""What a user's script asks of deployments, runs, limits and background tasks; what came of it is printed as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from uuid import UUID

from chores import slow_sum

from prefect import resume_flow_run
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.deployments import run_deployment
from prefect.states import Cancelling

PATIENCE = 120.0


def until(reached, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := reached()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return found


def asked(name, **parameters):
    """A new run of what `several.py` serves."""
    return run_deployment(f"{name}/several", parameters=parameters, timeout=0)


def in_state(client, run_id, *names):
    return until(
        lambda: (state := client.read_flow_run(run_id).state).name in names and state, f"{run_id} in {names}"
    )


def said(client, run_id, count):
    """What a run has printed, once it is that much."""
    mine = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))

    def lines():
        found = [one for one in client.read_logs(log_filter=mine, limit=200) if one.level == 20]
        return sorted(
            one.message
            for one in found
            if any(
                word in one.message
                for word in ("greets with", "begins, run", "heard of", "was told", "its child")
            )
        )

    until(lambda: len(lines()) >= count, f"{count} lines of {run_id}; {lines()}")
    return lines()


def deployments(client):
    """A run that is waited for, one that is not, and one that is asked for twice."""
    waited = run_deployment(
        "greets/several", parameters={"x": 3}, timeout=120, poll_interval=0.5, tags=["mine"]
    )
    twice = [
        run_deployment("greets/several", timeout=0, idempotency_key=f"once-{waited.id}", flow_run_name="once")
        for _ in range(2)
    ]
    parent = asked("delegates")
    state = in_state(client, parent.id, "Completed", "Failed", "Crashed")
    return {
        "state": waited.state.name,
        "tags": waited.tags,
        "said": said(client, waited.id, 1),
        "one": twice[0].id == twice[1].id,
        "name": twice[0].name,
        "parent": [state.name, *said(client, parent.id, 1)],
    }


def pauses(client):
    """A run that pauses, and pauses again until it is answered."""
    run = asked("pauses")
    first = in_state(client, run.id, "Paused")
    resume_flow_run(run.id)
    second = until(
        lambda: (
            (state := client.read_flow_run(run.id).state).name == "Paused"
            and state.timestamp > first.timestamp
            and state
        ),
        "the second pause",
    )
    keys = sorted(second.state_details.run_input_keyset or {})
    resume_flow_run(run.id, run_input={"name": "Ada"})
    in_state(client, run.id, "Completed", "Failed")
    return {
        "keys": keys,
        "said": said(client, run.id, 1),
        "states": [one.name for one in client.read_flow_run_states(run.id)],
    }


def suspends(client):
    """A run that leaves its process until it is answered."""
    run = asked("suspends")
    in_state(client, run.id, "Suspended")
    resume_flow_run(run.id, run_input={"name": "Bo", "age": 4})
    in_state(client, run.id, "Completed", "Failed", "Crashed")
    return {"said": said(client, run.id, 3), "count": client.read_flow_run(run.id).run_count}


def inputs(client):
    """Two runs, one of which tells the other something."""
    listens = asked("hears")
    in_state(client, listens.id, "Running")
    asked("tells", other=str(listens.id))
    ended = in_state(client, listens.id, "Completed", "Failed").name
    return [ended, *said(client, listens.id, 2)]


def limits(client, mark):
    """Three runs that want the same slot."""
    name = f"turns-{time.time_ns()}"
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
    runs = [asked("takes_turns".replace("_", "-"), limit=name, mark=mark) for _ in range(3)]
    ended = [in_state(client, run.id, "Completed", "Failed").name for run in runs]
    slots = client.read_global_concurrency_limit_by_name(name).active_slots
    client.delete_global_concurrency_limit_by_name(name)
    return {"ended": ended, "slots": slots}


def cancels(client, mark):
    """A run that is cancelled while it sleeps."""
    run = asked("lingers", mark=mark)
    in_state(client, run.id, "Running")
    until(Path(mark).exists, "the mark")
    client.set_flow_run_state(run.id, Cancelling())
    ended = in_state(client, run.id, "Cancelled", "Crashed", "Failed").name
    return {"ended": ended, "run": str(run.id)}


def chores(client):
    """Background tasks, one of which fails."""
    futures = [slow_sum.delay(3, 4), slow_sum.apply_async((1,), {"b": 5}), slow_sum.delay(0, 0)]
    for future in futures:
        future.wait(timeout=PATIENCE)
    runs = [until_ended(client, future.task_run_id) for future in futures]
    return [
        [future.result(raise_on_failure=False), run.state.name] for future, run in zip(futures[:2], runs)
    ] + [runs[2].state.name]


def until_ended(client, run_id: UUID):
    def ended():
        run = client.read_task_run(run_id)
        return run if run.state and run.state.is_final() else None

    return until(ended, f"the end of {run_id}")


if __name__ == "__main__":
    part, out, *rest = sys.argv[1:]
    with get_client(sync_client=True) as asking:
        Path(out).write_text(json.dumps(globals()[part](asking, *rest)))

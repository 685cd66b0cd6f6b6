"""What users do, with public names only, and what a server then has on record of it: printed as JSON.

Run by either package's Python against either server; ids, times and random names are left out, so that the four
combinations can be compared word for word.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from uuid import UUID

from prefect import flow, get_run_logger, tags, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from prefect.runtime import flow_run as running
from prefect.variables import Variable

PATIENCE = 60.0  # seconds: a server may take a while to have everything on record


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task(retries=2, retry_delay_seconds=0)
def flaky(attempts: list[int]) -> int:
    attempts.append(1)
    if len(attempts) < 3:
        raise ValueError("not yet")
    return len(attempts)


@task
def broken() -> None:
    raise RuntimeError("broken on purpose")


@task(cache_policy=INPUTS, persist_result=True)
def cached(x: int) -> int:
    return x * 10


@task(log_prints=True)
def talks() -> None:
    print("printed in a task")
    get_run_logger().warning("warned in a task")


@flow
def child(x: int) -> int:
    return add(x)


@flow(name="Plain", version="7")
def plain(x: int = 1) -> int:
    with tags("inner"):
        return add(add(x)).__add__(0)


@flow
def nested(x: int) -> int:
    return child(x) + child(x + 1)


@flow
def mapped(count: int) -> list[int]:
    return add.map(range(count), y=2).result()


@flow
def retried() -> int:
    return flaky([])


@flow(retries=1)
def fails() -> None:
    broken()


@flow
def caches() -> list[int]:
    return [cached(4), cached(4)]


@flow(log_prints=True)
def chatty() -> str:
    print("printed in a flow")
    talks()
    return str(running.name) != "" and "named"


@flow(flow_run_name="sum-of-{x}")
def called(x: int) -> int:
    future = add.submit(x)
    return add.submit(future, wait_for=[future]).result()


@flow
async def awaited() -> int:
    return add(3)


@flow
def leaves_artifacts() -> None:
    create_markdown_artifact("# Report", key="report", description="what came out")
    create_table_artifact([{"a": 1}, {"a": 2}], key="numbers")
    create_link_artifact("https://example.org", key="link", link_text="there")


@flow
def uses_variables() -> list[object]:
    Variable.set("compat_plan", {"days": [1, 2]}, overwrite=True)
    found = [Variable.get("compat_plan"), Variable.get("compat_missing", default="none")]
    Variable.unset("compat_plan")
    return [*found, Variable.get("compat_plan", default="gone")]


FLOWS = [
    (plain, {"x": 4}),
    (nested, {"x": 1}),
    (mapped, {"count": 5}),
    (retried, {}),
    (fails, {}),
    (caches, {}),
    (chatty, {}),
    (called, {"x": 2}),
    (awaited, {}),
    (leaves_artifacts, {}),
    (uses_variables, {}),
]


def main() -> None:
    logging.disable(logging.NOTSET)
    seen = {}
    with get_client(sync_client=True) as client:
        for one, parameters in FLOWS:
            state = one(**parameters, return_state=True)
            if hasattr(state, "__await__"):
                import asyncio

                state = asyncio.run(_awaited(state))
            seen[one.name] = {
                "state": [state.type.value, state.name],
                "result": _result(state),
                **on_record(client, state.state_details.flow_run_id),
            }
    json.dump(seen, sys.stdout, indent=1, sort_keys=True)


async def _awaited(coroutine):
    return await coroutine


def _result(state):
    found = state.result(raise_on_failure=False)
    return repr(found) if isinstance(found, BaseException) else found


def on_record(client, flow_run_id: UUID) -> dict[str, object]:
    """What the server says of a flow run, once it has all of it."""
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    deadline = time.monotonic() + PATIENCE
    while True:
        run = client.read_flow_run(flow_run_id)
        tasks = client.read_task_runs(flow_run_filter=mine)
        logs = client.read_logs(
            log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id])), limit=200
        )
        ended = run.state.is_final() and all(t.state is not None and t.state.is_final() for t in tasks)
        if (ended and tasks and any("Finished in state" in line.message for line in logs)) or (
            time.monotonic() > deadline
        ):
            break
        if ended and run.flow_id and not tasks and time.monotonic() > deadline - PATIENCE + 5:
            break
        time.sleep(0.2)
    return {
        "run": {
            "state": [run.state.type.value, run.state.name],
            "named": run.name if "-of-" in run.name else None,
            "parameters": run.parameters,
            "tags": sorted(run.tags),
            "version": run.flow_version if run.flow_version and len(run.flow_version) < 5 else None,
            "run_count": run.run_count,
            "states": [s.name for s in client.read_flow_run_states(flow_run_id)],
        },
        "tasks": sorted(
            [
                t.name.rpartition("-")[0],
                t.state.type.value,
                t.state.name,
                t.run_count,
                sorted(t.tags),
                sorted(t.task_inputs),
                [s.name for s in client.read_task_run_states(t.id)],
            ]
            for t in tasks
        ),
        "said": sorted(line.message for line in logs if " in a " in line.message),
    }


if __name__ == "__main__":
    main()

"""What the engine makes and the store keeps: one slot class a row, cheap to make (no pydantic, no UUID objects).

Ids are 16 bytes, times are microseconds UTC. The public pydantic models (`prefect.model.runs`, `.state`) are made
from these when somebody looks.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class StateRecord(NamedTuple):
    """One state of a run. `type` is the name of a `StateType`.

    `data` is result metadata, None, or what a client has sent instead, under the key `value`.
    """

    id: bytes
    type: str
    name: str
    timestamp: int
    message: str | None = None
    data: dict[str, Any] | None = None
    details: dict[str, Any] | None = None


class FlowRunRecord(NamedTuple):
    """One flow run with its present state.

    `attempt` counts the times an executor took the run up; a write that carries an older attempt is refused.
    `owner` is the process that executes it (see `ProcessRecord`), None while nobody does.
    """

    id: bytes
    name: str
    flow_id: bytes
    flow_name: str
    state: StateRecord
    created: int
    updated: int
    attempt: int = 0
    owner: bytes | None = None
    run_count: int = 0
    parameters: dict[str, Any] = {}  # noqa: RUF012 - never written to; a NamedTuple default
    tags: tuple[str, ...] = ()
    flow_version: str | None = None
    entrypoint: str | None = None
    working_dir: str | None = None
    deployment_id: bytes | None = None
    parent_task_run_id: bytes | None = None
    parent_flow_run_id: bytes | None = None
    root_flow_run_id: bytes | None = None
    idempotency_key: str | None = None
    policy: dict[str, Any] = {}  # noqa: RUF012
    context: dict[str, Any] = {}  # noqa: RUF012
    labels: dict[str, Any] = {}  # noqa: RUF012
    extra: dict[str, Any] = {}  # noqa: RUF012 - what only deployments and servers fill, and nobody searches
    expected_start_time: int | None = None
    next_scheduled_start_time: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    total_run_time: int = 0
    result: bytes | None = None
    parameters_pickle: bytes | None = None
    work_queue_id: bytes | None = None
    auto_scheduled: int = 0
    infrastructure_pid: str | None = None
    created_by: dict[str, Any] | None = None
    # of other tables, as of `flow_name`
    work_queue_name: str | None = None
    work_pool_id: bytes | None = None
    work_pool_name: str | None = None


class TaskRunRecord(NamedTuple):
    """One task run with its present state. The engine replaces what changes (from `state_type` on) as a whole.

    `state_*` is the present state. `history` is None while the run went the plain way (Pending when created,
    Running at `start_time`, the final state at `end_time`) and otherwise JSON of every state it was in.
    `memo` names the call within its flow run (task key and call order), `inputs_digest` its inputs: together they
    are what a resumed flow run finds a recorded `result` by. `detail` is JSON with what is rare (tags, inputs,
    policy, cache key).
    """

    id: bytes
    flow_run_id: bytes | None
    attempt: int
    task_key: str
    name: str
    created: int
    flow_run_run_count: int
    parent_task_run_id: bytes | None
    process_id: bytes | None
    memo: str | None
    state_type: str
    state_name: str
    state_timestamp: int
    state_message: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    run_count: int = 0
    inputs_digest: bytes | None = None
    result: bytes | None = None
    detail: str | None = None
    history: str | None = None


class LogRecord(NamedTuple):
    """One log line of a run."""

    id: bytes
    timestamp: int
    level: int
    name: str
    message: str
    flow_run_id: bytes | None = None
    task_run_id: bytes | None = None


class ProcessRecord(NamedTuple):
    """One executing process and the lease under which its runs are believed to be running.

    `pid_space` names the kernel and the namespace in which its pid is one; None where that is the store's machine.
    """

    id: bytes
    host: str
    boot_id: str
    pid: int
    pid_start: int
    lease_until: int
    started: int
    oom_kills: int | None = None
    peak_memory: int | None = None
    pid_space: str | None = None

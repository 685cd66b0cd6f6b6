"""Flow runs as JSON, from stored records: what `FlowRun` would be written as, in a tenth of the time.

Lists of 200 runs are what clients and pages ask for all day. The fields are those of `prefect.model.runs.FlowRun`;
`tests/server/test_flow_runs.py` holds the two together.
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted  # type: ignore[attr-defined] # not in its stubs
from typing import TYPE_CHECKING, Any

from prefect._base.clock import now_us, to_datetime
from prefect._storage.flow_runs import dumps
from prefect.model.policies import FlowRunPolicy
from prefect.model.state_details import StateDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.model.records import FlowRunRecord, StateRecord

_TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_NO_POLICY = FlowRunPolicy().model_dump_json()
_NO_DETAILS = StateDetails(deferred=False).model_dump_json().replace('"flow_run_id":null', '"flow_run_id":%s')

_FLOW_RUN = (
    '{"id":%s,"created":%s,"updated":%s,"name":%s,"flow_id":%s,"state_id":%s,"deployment_id":%s,'
    '"deployment_version":%s,"work_queue_id":%s,"work_queue_name":%s,"flow_version":%s,"parameters":%s,'
    '"idempotency_key":%s,"context":%s,"empirical_policy":%s,"tags":%s,"labels":%s,"parent_task_run_id":%s,'
    '"state_type":%s,"state_name":%s,"run_count":%d,"expected_start_time":%s,"next_scheduled_start_time":%s,'
    '"start_time":%s,"end_time":%s,"total_run_time":%s,"estimated_run_time":%s,"estimated_start_time_delta":%s,'
    '"auto_scheduled":%s,"infrastructure_document_id":%s,"infrastructure_pid":%s,"created_by":%s,'
    '"work_pool_id":%s,"work_pool_name":%s,"state":%s,"job_variables":%s}'
)
_STATE = '{"id":%s,"type":%s,"name":%s,"timestamp":%s,"message":%s,"data":%s,"state_details":%s}'


def written_list(runs: Iterable[FlowRunRecord]) -> bytes:
    """A list of runs."""
    now = now_us()
    return ("[" + ",".join(_written(run, now) for run in runs) + "]").encode()


def written(run: FlowRunRecord) -> bytes:
    """One run."""
    return _written(run, now_us()).encode()


def written_page(page: dict[str, Any]) -> bytes:
    """A page of runs: `results` are records, the other fields numbers."""
    numbers = "".join(f',"{name}":{value}' for name, value in page.items() if name != "results")
    return b'{"results":' + written_list(page["results"]) + numbers.encode() + b"}"


def _written(run: FlowRunRecord, now: int) -> str:
    state, extra = run.state, run.extra
    run_time = run.total_run_time + (max(0, now - state.timestamp) if state.type == "RUNNING" else 0)
    return _FLOW_RUN % (
        _id(run.id),
        _time(run.created),
        _time(run.updated),
        quoted(run.name),
        _id(run.flow_id),
        _id(state.id),
        _id(run.deployment_id),
        _text(extra.get("deployment_version")),
        _id(run.work_queue_id),
        _text(run.work_queue_name),
        _text(run.flow_version),
        dumps(run.parameters),
        _text(run.idempotency_key),
        dumps(run.context),
        _policy(run.policy),
        dumps(run.tags) if run.tags else "[]",
        dumps(run.labels),
        _id(run.parent_task_run_id),
        quoted(state.type),
        quoted(state.name),
        run.run_count,
        _time(run.expected_start_time),
        _time(run.next_scheduled_start_time),
        _time(run.start_time),
        _time(run.end_time),
        run.total_run_time / 1_000_000,
        run_time / 1_000_000,
        _lateness(run, now) / 1_000_000,
        "true" if run.auto_scheduled else "false",
        _text(extra.get("infrastructure_document_id")),
        _text(run.infrastructure_pid),
        dumps({"id": None, "type": None, "display_value": None} | run.created_by)
        if run.created_by
        else "null",
        _id(run.work_pool_id),
        _text(run.work_pool_name),
        _state(state, run.id),
        dumps(extra.get("job_variables")),
    )


def _state(state: StateRecord, run_id: bytes) -> str:
    return _STATE % (
        _id(state.id),
        quoted(state.type),
        quoted(state.name),
        _time(state.timestamp),
        _text(state.message),
        _data(state.data),
        _details(state.details, run_id),
    )


def _data(data: dict[str, Any] | None) -> str:
    if data is None:
        return "null"
    return dumps(data if "storage_key" in data else data.get("value"))


def _details(details: dict[str, Any] | None, run_id: bytes) -> str:
    if not details:
        return _NO_DETAILS % _id(run_id)
    shown = StateDetails.from_record({"deferred": False} | details, run_id, None)
    return shown.model_dump_json()


def _policy(policy: dict[str, Any]) -> str:
    if not policy:
        return _NO_POLICY
    return FlowRunPolicy.model_construct(
        None, **{**policy, "pause_keys": set(policy.get("pause_keys") or ())}
    ).model_dump_json()


def _lateness(run: FlowRunRecord, now: int) -> int:
    """By how much the run has started, or would start now, after its time."""
    if run.expected_start_time is None or (run.start_time is None and run.state.type in _TERMINAL):
        return 0
    return max(0, (now if run.start_time is None else run.start_time) - run.expected_start_time)


def _id(stored: bytes | None) -> str:
    if stored is None:
        return "null"
    text = stored.hex()
    return f'"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"'


def _time(stored: int | None) -> str:
    if stored is None:
        return "null"
    minute, rest = divmod(stored, 60_000_000)
    second, fraction = divmod(rest, 1_000_000)
    return f'"{_minute(minute)}{second:02}{f".{fraction:06}" if fraction else ""}Z"'


@lru_cache(maxsize=1024)
def _minute(number: int) -> str:
    return to_datetime(number * 60_000_000).isoformat()[:17]


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)

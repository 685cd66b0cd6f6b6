"""The events by which a Prefect 3 client reports its task runs, `prefect.task-run.<State>`, as reports.

Such a client orchestrates task runs itself, asks nobody, and sends an event for each state: the resource's labels
carry the state, the payload the run and the state's details, the related resources the flow run.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter

from prefect._base.clock import to_us
from prefect._orchestration.reported import Reported
from prefect.model.results import ResultRecordMetadata
from prefect.model.run_inputs import Constant, FlowRunResult, Parameter, TaskRunResult
from prefect.model.state_details import StateDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENT_PREFIX = "prefect.task-run."
_FLOW_RUN = "prefect.flow-run."
_TYPES = frozenset(
    (
        *("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED"),
        *("CANCELLED", "CRASHED", "PAUSED", "CANCELLING"),
    )
)
_MOST_RUNS = 2**31 - 1
_POLICY = ("retries", "retry_delay", "retry_jitter_factor")


def report_of(event: Mapping[str, Any]) -> Reported | None:
    """What an event reports; None for an event that is no well-formed report of a client's task run."""
    found = event.get("resource")
    labels = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if labels.get("prefect.orchestration") != "client":
        return None
    if not str(event.get("event", "")).startswith(EVENT_PREFIX):
        return None
    try:
        return _report(event, labels, event["payload"])
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
    ):  # pydantic's ValidationError is a ValueError
        return None


def _report(event: Mapping[str, Any], labels: Mapping[str, Any], payload: Mapping[str, Any]) -> Reported:
    run, state = payload["task_run"], payload["validated_state"]
    time = time_of(labels.get("prefect.state-timestamp") or event["occurred"])
    entry: list[Any] = [
        _type_of(state),
        _text(state["name"]),
        time,
        _text(state.get("message") or "") or None,
    ]
    details = _details_of(state.get("state_details"))
    if details:
        entry.append(details)
    detail = _detail_of(run)
    data = _data_of(state.get("data"))
    if data is not None:
        detail["data"] = data
    return Reported(
        run_id=_id_in(labels["prefect.resource.id"], EVENT_PREFIX),
        flow_run_id=_flow_run_id(event.get("related") or ()),
        task_key=_text(run["task_key"]),
        name=_text(run["name"]),
        run_count=_count(run.get("run_count")),
        flow_run_run_count=_count(run.get("flow_run_run_count")),
        entry=entry,
        detail=detail,
    )


def time_of(text: str) -> int:
    """Microseconds of an ISO 8601 time. Raises ValueError."""
    try:
        return to_us(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        return to_us(_times().validate_python(text))  # forms that 3.10 does not read


def _type_of(state: Mapping[str, Any]) -> str:
    if state["type"] not in _TYPES:
        raise ValueError
    return state["type"]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.replace("\x00", "")  # which Postgres does not take


def _count(value: Any) -> int:
    return min(max(int(value or 0), 0), _MOST_RUNS)


def _id_in(resource_id: str, prefix: str) -> bytes:
    digits = resource_id.removeprefix(prefix).replace("-", "")
    if len(digits) != 32:
        raise ValueError
    return bytes.fromhex(digits)


def _flow_run_id(related: Any) -> bytes | None:
    for one in related:
        if one.get("prefect.resource.role") == "flow-run":
            return _id_in(one["prefect.resource.id"], _FLOW_RUN)
    return None


def _details_of(given: Any) -> dict[str, Any] | None:
    if not given:
        return None
    if len(given) == 1 and given.get("untrackable_result") is True:  # nearly every one that is not empty
        return {"untrackable_result": True}
    return StateDetails.model_validate(given).to_record() or None


def _data_of(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, dict) or "storage_key" not in given:  # nothing persisted
        return None
    return ResultRecordMetadata.model_validate(given).model_dump(mode="json")


def _detail_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """What is rare, and what only the client knows; in the form of `TaskRunRecord.detail`."""
    found: dict[str, Any] = {"dynamic_key": _text(run["dynamic_key"])}
    policy = {name: value for name in _POLICY if (value := run.get("empirical_policy", {}).get(name))}
    if policy:
        found["policy"] = _policies().validate_python(policy)
    if run.get("tags"):
        found["tags"] = [_text(tag) for tag in run["tags"]]
    if run.get("labels"):
        found["labels"] = _labels().validate_python(run["labels"])
    if run.get("task_inputs"):
        found["task_inputs"] = _inputs_of(run["task_inputs"])
    if run.get("task_version"):
        found["version"] = _text(run["task_version"])
    if run.get("cache_key"):
        found["cache_key"] = _text(run["cache_key"])
    for name in ("cache_expiration", "expected_start_time"):
        if run.get(name):
            found[name] = time_of(run[name])
    return found


def _inputs_of(given: Mapping[str, Any]) -> dict[str, Any]:
    if not any(given.values()):
        return {key: [] for key in map(_text, given)}
    return _inputs().dump_python(_inputs().validate_python(given), mode="json")


@lru_cache(maxsize=1)
def _times() -> TypeAdapter[datetime]:
    return TypeAdapter(datetime)


@lru_cache(maxsize=1)
def _labels() -> TypeAdapter[Any]:
    return TypeAdapter(dict[str, bool | int | float | str])


@lru_cache(maxsize=1)
def _policies() -> TypeAdapter[Any]:
    return TypeAdapter(dict[str, int | float | list[int | float]])


@lru_cache(maxsize=1)
def _inputs() -> TypeAdapter[Any]:
    return TypeAdapter(dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]])

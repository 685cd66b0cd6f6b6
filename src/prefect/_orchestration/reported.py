"""Task runs whose own process orchestrates them and says, state by state, what it did.

The reports come in any order, some of them twice. A state is known by its time, type and name; states are ordered by
time, and the last one is the present one: so an older report never changes how a run has ended.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._base.ids import dynamic_key_of, short_key_of
from prefect._orchestration.transition import TERMINAL
from prefect.model.history import entries_of, is_plain
from prefect.model.records import TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

_EARLIER = {"SCHEDULED": 0, "PENDING": 1, "RUNNING": 3}  # of states with the same time
_OF_FINAL_STATE = frozenset(("data", "details"))


class Reported(NamedTuple):
    """One state that a task run has entered, and the run as it was then.

    `entry` is the state as a history keeps it: type, name, time, message, and details if there are any. `detail` is
    what the run's `detail` becomes, before it is JSON.
    """

    run_id: bytes
    flow_run_id: bytes | None
    task_key: str
    name: str
    run_count: int
    flow_run_run_count: int
    entry: list[Any]
    detail: dict[str, Any]


def merged(run: TaskRunRecord | None, reports: Sequence[Reported]) -> TaskRunRecord | None:
    """The run with what is reported of it; None where all of that is known already."""
    entries = entries_of(run) if run is not None else []
    known = {(entry[2], entry[0], entry[1]) for entry in entries}
    before = len(entries)
    for report in reports:
        key = (report.entry[2], report.entry[0], report.entry[1])
        if key not in known:
            known.add(key)
            entries.append(report.entry)
    if len(entries) == before:
        return None
    entries.sort(key=_place)
    latest = max(reports, key=_place_of)
    if run is not None and _place(entries[-1]) > _place(latest.entry):
        return _with_history(run, entries, json.loads(run.detail) if run.detail else {})
    return _with_history(_changed(run, latest), entries, _detail_after(run, latest))


def _place(entry: Sequence[Any]) -> tuple[int, int]:
    return entry[2], _EARLIER.get(entry[0], 2) if entry[0] not in TERMINAL else 4


def _place_of(report: Reported) -> tuple[int, int]:
    return _place(report.entry)


def _changed(run: TaskRunRecord | None, latest: Reported) -> TaskRunRecord:
    if run is None:
        return TaskRunRecord(
            id=latest.run_id,
            flow_run_id=latest.flow_run_id,
            attempt=0,
            task_key=latest.task_key,
            name=latest.name,
            created=0,
            flow_run_run_count=latest.flow_run_run_count,
            parent_task_run_id=None,
            process_id=None,
            memo=None,
            state_type="",
            state_name="",
            state_timestamp=0,
            run_count=latest.run_count,
        )
    return run._replace(
        flow_run_id=run.flow_run_id or latest.flow_run_id,
        task_key=latest.task_key,
        name=latest.name,
        run_count=latest.run_count,
        flow_run_run_count=latest.flow_run_run_count,
    )


def _detail_after(run: TaskRunRecord | None, latest: Reported) -> dict[str, Any]:
    if run is None or not run.detail:
        return latest.detail
    before = json.loads(run.detail)
    return {name: value for name, value in before.items() if name not in _OF_FINAL_STATE} | latest.detail


def _with_history(run: TaskRunRecord, entries: list[list[Any]], detail: dict[str, Any]) -> TaskRunRecord:
    """The columns that follow from the states."""
    created, present = entries[0][2], entries[-1]
    has_ended = present[0] in TERMINAL
    plain = is_plain(entries)
    if plain and has_ended and len(present) > 4:
        detail = {**detail, "details": present[4]}
    if detail.get("expected_start_time") == created:
        detail = {name: value for name, value in detail.items() if name != "expected_start_time"}
    key = detail.get("dynamic_key", "")
    if key.startswith(short_key_of(run.id)) and key == dynamic_key_of(run.id):
        detail = {name: value for name, value in detail.items() if name != "dynamic_key"}
    return run._replace(
        created=created,
        state_type=present[0],
        state_name=present[1],
        state_timestamp=present[2],
        state_message=present[3],
        start_time=next((entry[2] for entry in entries if entry[0] == "RUNNING"), None),
        end_time=present[2] if has_ended else None,
        detail=json.dumps(detail, separators=(",", ":")) if detail else None,
        history=None if plain else json.dumps(entries, separators=(",", ":")),
    )

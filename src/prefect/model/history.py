"""The states a task run was in, read from its row.

A run that went the plain way keeps no history: Pending when it was created, Running when it started, and the
final state when it ended all follow from its columns (and its details, where it has any, from `detail`). Any other
run keeps JSON: a list of `[type, name, timestamp, message]`, with a dict of details as a fifth item where there are
any.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from prefect.model.records import StateRecord, TaskRunRecord

_VERSION = 0xF << 76  # where a UUID keeps its version; 8 is "made by the application" (RFC 9562, section 5.8)
_VERSION_8 = 0x8 << 76
_PENDING = ["PENDING", "Pending"]
_RUNNING = ["RUNNING", "Running"]
_TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))


def states_of(run: TaskRunRecord) -> list[StateRecord]:
    """Every state of the run, oldest first.

    The last one is the present one; if the run has ended, its data says where the result is stored.
    """
    states = [
        StateRecord(
            id=_state_id(run.id, position),
            type=entry[0],
            name=entry[1],
            timestamp=entry[2],
            message=entry[3],
            details=entry[4] if len(entry) > 4 else None,
        )
        for position, entry in enumerate(entries_of(run))
    ]
    if run.detail is not None and run.end_time is not None:
        states[-1] = states[-1]._replace(data=json.loads(run.detail).get("data"))
    return states


def history_with(run: TaskRunRecord, entry: Sequence[Any]) -> list[Any]:
    """What the run's `history` becomes (before it is JSON) when it enters one more state."""
    return [*entries_of(run), list(entry)]


def entries_of(run: TaskRunRecord) -> list[list[Any]]:
    """The run's `history` in full, whether it keeps one or not."""
    return json.loads(run.history) if run.history else _plain_history(run)


def is_plain(entries: Sequence[Sequence[Any]]) -> bool:
    """Whether a history follows from a run's columns, and need not be kept."""
    first, *later = entries
    if first[:2] != _PENDING or not _is_bare(first):
        return False
    if later and later[0][:2] == _RUNNING and _is_bare(later[0]):
        del later[0]
    return not later or (len(later) == 1 and later[0][0] in _TERMINAL)


def _is_bare(entry: Sequence[Any]) -> bool:
    return entry[3] is None and len(entry) == 4


def running_time(states: Sequence[StateRecord]) -> int:
    """How long, in microseconds, a run with these states was running, as far as it has left RUNNING again."""
    return sum(
        after.timestamp - before.timestamp for before, after in pairwise(states) if before.type == "RUNNING"
    )


def _plain_history(run: TaskRunRecord) -> list[list[Any]]:
    entries: list[list[Any]] = [["PENDING", "Pending", run.created, None]]
    if run.start_time is not None:
        entries.append(["RUNNING", "Running", run.start_time, None])
    if run.end_time is not None:
        entries.append([run.state_type, run.state_name, run.end_time, run.state_message])
        details = json.loads(run.detail).get("details") if run.detail else None
        if details:
            entries[-1].append(details)
    return entries


def _state_id(run_id: bytes, position: int) -> bytes:
    """Made from the run's id and the place in its history: unique, and the same whenever it is asked."""
    return (((int.from_bytes(run_id, "big") & ~_VERSION) | _VERSION_8) ^ position).to_bytes(16, "big")

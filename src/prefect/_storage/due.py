"""What the server's services look for: runs that are late, paused too long, or cancelled with something left behind.

Each query has a partial index of its few rows (migration 010); its conditions stand in the text as in the index, which
is how the databases know that the index serves.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import task_runs

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries
    from prefect.model.records import TaskRunRecord

_ENDED = "('COMPLETED','FAILED','CANCELLED','CRASHED')"


class Due(NamedTuple):
    """A flow run that was seen in a state: what is done to it is done only while it is in that state."""

    id: bytes
    state_id: bytes
    deployment_id: bytes | None
    owner: bytes | None
    details: dict[str, Any]


_DUE = "r.id, r.state_id, r.deployment_id, r.owner, r.state_details"


def late(source: Queries, before: int, most: int) -> list[Due]:
    """Runs named Scheduled whose time was before a moment (microseconds UTC), the longest waiting first."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run r WHERE r.state_type = 'SCHEDULED' AND r.state_name = 'Scheduled' "  # noqa: S608
        "AND r.next_scheduled_start_time < ? ORDER BY r.next_scheduled_start_time LIMIT ?",
        before,
        most,
    )


def pauses_with_timeout(source: Queries) -> list[Due]:
    """Paused runs that must be resumed until some time."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run r WHERE r.state_type = 'PAUSED' "  # noqa: S608
        "AND r.state_details LIKE '%\"pause_timeout\"%' ORDER BY r.state_timestamp",
    )


def cancelling_since(source: Queries, before: int, most: int) -> list[Due]:
    """Runs that have been Cancelling since before a moment, the longest first."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run r WHERE r.state_type = 'CANCELLING' "  # noqa: S608
        "AND r.state_timestamp < ? ORDER BY r.state_timestamp LIMIT ?",
        before,
        most,
    )


def children_of_cancelled(source: Queries, since: int, most: int) -> list[Due]:
    """Runs that have not ended, nor are being cancelled, of parents that were cancelled since a moment."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run p JOIN flow_run r ON r.parent_flow_run_id = p.id "  # noqa: S608
        "WHERE p.state_type = 'CANCELLED' AND p.state_timestamp > ? "
        f"AND r.state_type NOT IN {_ENDED} AND r.state_type <> 'CANCELLING' LIMIT ?",
        since,
        most,
    )


def task_runs_of_cancelled(source: Queries, since: int, most: int) -> list[TaskRunRecord]:
    """Task runs that have not ended, of flow runs that were cancelled since a moment."""
    rows = source.rows(
        f"SELECT {task_runs.columns('t')} FROM flow_run p JOIN task_run t ON t.flow_run_id = p.id "  # noqa: S608
        "WHERE p.state_type = 'CANCELLED' AND p.state_timestamp > ? "
        f"AND t.state_type NOT IN {_ENDED} LIMIT ?",
        (since, most),
    )
    return [task_runs.record_of(row) for row in rows]


def crashed_since(source: Queries, since: int, most: int) -> list[Due]:
    """Runs of deployments that say how often theirs are recovered, which have crashed since a moment."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run r WHERE r.state_type = 'CRASHED' AND r.state_name = 'Crashed' "  # noqa: S608
        "AND r.state_timestamp > ? AND r.deployment_id IS NOT NULL "
        "AND r.labels LIKE '%\"pluperfect.recover\"%' ORDER BY r.state_timestamp LIMIT ?",
        since,
        most,
    )


def taken_since(source: Queries, before: int, most: int) -> list[Due]:
    """Runs that a runner has taken before a moment, and that no process of it has taken up."""
    return _found(
        source,
        f"SELECT {_DUE} FROM flow_run r WHERE r.state_type = 'PENDING' AND r.state_name = 'Pending' "  # noqa: S608
        "AND r.state_timestamp < ? AND r.owner IS NULL AND r.work_queue_id IS NULL AND r.deployment_id IS NOT NULL "
        "AND r.labels LIKE '%\"pluperfect.recover\"%' ORDER BY r.state_timestamp LIMIT ?",
        before,
        most,
    )


def _found(source: Queries, sql: str, *values: Any) -> list[Due]:
    rows = source.rows(sql, values)
    return [Due._make((*row[:4], json.loads(row[4]) if row[4] else {})) for row in rows]

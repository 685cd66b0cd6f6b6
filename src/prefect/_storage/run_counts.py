"""How many runs there are, by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries


def flow_runs_by_state(store: Queries) -> dict[str, int]:
    """All flow runs, by state type.

    Those that are Completed, nearly all, are what the others leave: so both counts walk along small indexes.
    """
    others = dict(
        store.rows(
            "SELECT state_type, COUNT(*) FROM flow_run WHERE state_type <> 'COMPLETED' GROUP BY state_type"
        )
    )
    row = store.row("SELECT COUNT(*) FROM flow_run")
    completed = (row[0] if row else 0) - sum(others.values())
    return {**others, "COMPLETED": completed} if completed > 0 else others


def unfinished_task_runs_by_state(store: Queries) -> dict[str, int]:
    """Task runs that have not ended, by state type. Those that have are too many to count again and again."""
    return dict(
        store.rows(
            "SELECT state_type, COUNT(*) FROM task_run"
            " WHERE state_type NOT IN ('COMPLETED','FAILED','CANCELLED','CRASHED') GROUP BY state_type"
        )
    )

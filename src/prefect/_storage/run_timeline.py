"""The SQL of a flow run's timeline: as few columns of its task runs as it can do with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Transaction


class TimelineRow(NamedTuple):
    """A task run. `history` and `detail` are JSON, None where there is nothing out of the ordinary."""

    id: bytes
    name: str
    task_key: str
    state_type: str
    state_name: str
    state_timestamp: int
    created: int
    start_time: int | None
    end_time: int | None
    run_count: int
    history: str | None
    detail: str | None


_COLUMNS = ",".join(TimelineRow._fields)
_BRIEF = ",".join((*TimelineRow._fields[:-2], "NULL", "NULL"))


class Child(NamedTuple):
    """A flow run that was started by another one, and the task run that stands for it there."""

    id: bytes
    name: str
    flow_name: str
    state_type: str
    state_name: str
    created: int
    start_time: int | None
    end_time: int | None
    task_run_id: bytes | None


def rows(
    source: Queries, run_id: bytes, *, limit: int, since: int = 0, brief: bool = False
) -> list[TimelineRow]:
    """The task runs of a flow run, in the order of their making.

    Args:
        source: where to read.
        run_id: of the flow run.
        limit: how many at most.
        since: only those that have entered a state since then (microseconds).
        brief: without `history` and `detail`.
    """
    columns = _BRIEF if brief else _COLUMNS
    found = source.rows(
        f"SELECT {columns} FROM task_run WHERE flow_run_id = ? AND state_timestamp >= ? ORDER BY id LIMIT ?",  # noqa: S608
        (run_id, since, limit),
    )
    return [TimelineRow._make(row) for row in found]


def children(source: Queries, run_id: bytes, *, limit: int) -> list[Child]:
    """The flow runs that a flow run has started, in the order of their making."""
    found = source.rows(
        "SELECT r.id, r.name, f.name, r.state_type, r.state_name, r.created, r.start_time, r.end_time, "
        "r.parent_task_run_id FROM flow_run r JOIN flow f ON f.id = r.flow_id "
        "WHERE r.parent_flow_run_id = ? ORDER BY r.id LIMIT ?",
        (run_id, limit),
    )
    return [Child._make(row) for row in found]


def forget(cx: Transaction, run_id: bytes, first: bytes) -> int:
    """Nothing that task runs from `first` on have recorded is replayed any more; how many they are."""
    return cx.execute(
        "UPDATE task_run SET memo = NULL WHERE flow_run_id = ? AND id >= ? AND memo IS NOT NULL",
        (run_id, first),
    ).rowcount

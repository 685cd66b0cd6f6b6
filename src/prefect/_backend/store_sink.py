"""The journal on a store in this process: each batch is a transaction."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect._backend.slots import freed, give_back_all
from prefect._orchestration.transition import TERMINAL
from prefect._storage import flow_runs, logs, task_runs
from prefect.model.records import LogRecord, TaskRunRecord

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from prefect._storage.protocol import Store, Transaction

    Row = tuple[Any, ...]

_log = logging.getLogger("prefect.journal")


class StoreSink:
    """See `prefect._backend.writer.Sink`. A transaction that has ended is where it is to go."""

    linger_seconds = 0.004

    def __init__(self, store: Store) -> None:
        self._store = store

    def locked(self) -> threading.RLock:
        """The lock of this process's writers."""
        return self._store.locked()

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction."""
        return self._store.write()

    def record(self, batch: Transaction, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
        """Write them; rows of a superseded attempt are left out."""
        if record(batch, rows, lines):
            freed(self._store)

    def settle(self, *, barrier: bool) -> None:
        """Nothing is left to do."""
        _ = barrier


def record(
    cx: Transaction, rows: Sequence[Row], lines: Sequence[LogRecord], *, sender: bytes | None = None
) -> bool:
    """Write rows of task runs and log lines; rows of a superseded attempt are refused.

    Args:
        cx: the transaction.
        rows: task runs, as `TaskRunRecord`s or their values.
        lines: log lines.
        sender: the process elsewhere that has sent them. What it executes under a newer attempt than it knows (it
            was taken for dead, and has come back) is still its own.

    Returns:
        Whether slots of concurrency limits became free: those of task runs that have ended.
    """
    freed = False
    if rows:
        task_runs.upsert(cx, _not_fenced(cx, rows, sender), from_afar=sender is not None)
        ended = [
            row[_ID] for row in rows if row[_DETAIL] and _HOLDS in row[_DETAIL] and row[_TYPE] in TERMINAL
        ]
        freed = bool(ended) and give_back_all(cx, ended)
    if lines:
        logs.insert(cx, lines)
    return freed


_ID = TaskRunRecord._fields.index("id")
_TYPE = TaskRunRecord._fields.index("state_type")
_DETAIL = TaskRunRecord._fields.index("detail")
_HOLDS = '"slots":'  # the note of a run that holds slots
_PROCESS_ID = TaskRunRecord._fields.index("process_id")
_FLOW_RUN_ID = TaskRunRecord._fields.index("flow_run_id")
_ATTEMPT = TaskRunRecord._fields.index("attempt")


def _not_fenced(cx: Transaction, rows: Sequence[Row], sender: bytes | None) -> Sequence[Row]:
    """The rows whose attempt is still the flow run's; the others come too late and are refused (design, section 3)."""
    current: dict[tuple[bytes, int], int | None] = {}
    of_attempts = {(row[_FLOW_RUN_ID], row[_ATTEMPT]) for row in rows if row[_PROCESS_ID] is None}
    for flow_run_id, attempt in of_attempts:
        if flow_run_id is not None:
            found = flow_runs.claim_of(cx, flow_run_id)
            if found is None or found[0] != attempt:
                own = found is not None and sender is not None and found[1] == sender
                current[flow_run_id, attempt] = found[0] if own and found else None
    if not current:
        return rows
    kept: list[Row] = []
    for row in rows:
        attempt = row[_ATTEMPT]
        if row[_PROCESS_ID] is None:
            attempt = current.get((row[_FLOW_RUN_ID], attempt), attempt)
        if attempt is not None:
            kept.append((*row[:_ATTEMPT], attempt, *row[_ATTEMPT + 1 :]))
    if len(kept) < len(rows):
        _log.warning(
            "Refused %d late task run rows of a superseded attempt or a deleted flow run",
            len(rows) - len(kept),
        )
    return kept

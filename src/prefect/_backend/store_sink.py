"""The journal on a store in this process: each batch is a transaction."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect._storage import logs, task_runs
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
        record(batch, rows, lines)

    def settle(self, *, barrier: bool) -> None:
        """Nothing is left to do."""
        _ = barrier


def record(cx: Transaction, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
    """Write rows of task runs and log lines; rows of a superseded attempt are refused."""
    if rows:
        task_runs.upsert(cx, _not_fenced(cx, rows))
    if lines:
        logs.insert(cx, lines)


_FLOW_RUN_ID = TaskRunRecord._fields.index("flow_run_id")
_ATTEMPT = TaskRunRecord._fields.index("attempt")


def _not_fenced(cx: Transaction, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows whose attempt is still the flow run's; the others come too late and are refused (design, section 3)."""
    attempts = {(row[_FLOW_RUN_ID], row[_ATTEMPT]) for row in rows}
    stale: set[tuple[bytes, int]] = set()
    for flow_run_id, attempt in attempts:
        if flow_run_id is not None:
            asked = "SELECT attempt FROM flow_run WHERE id = ?" + cx.for_share("flow_run")
            found = cx.execute(asked, (flow_run_id,)).fetchone()
            if found is None or found[0] != attempt:
                stale.add((flow_run_id, attempt))
    if not stale:
        return rows
    kept = [row for row in rows if (row[_FLOW_RUN_ID], row[_ATTEMPT]) not in stale]
    _log.warning(
        "Refused %d late task run rows of a superseded attempt or a deleted flow run", len(rows) - len(kept)
    )
    return kept

"""Whether there is something for who executes the runs of some deployments or queues: one that waits, or is to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._base.clock import now_us
from prefect._storage import scheduled_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store

AHEAD_US: Final = 30_000_000  # what is due later is found by who asks now and then
POLL_SECONDS: Final = 0.03  # where the kernel does not tell of writes; a look takes 10 µs
PAUSE_SECONDS: Final = 0.04  # between two looks at the runs while somebody writes all the time
COLUMNS: Final = {"deployments": "deployment_id", "work_queues": "work_queue_id"}


class RunWatch:
    """Compares what waits now with what waited before.

    Args:
        store: where.
        ids: of which runs are wanted.
        kind: of what these are the ids: `deployments` or `work_queues`.
    """

    def __init__(self, store: Store, ids: Sequence[bytes], kind: str = "deployments") -> None:
        self._store = store
        self._ids = list(ids)
        self._column = COLUMNS[kind]
        self._seen: tuple[object, ...] | None = None

    def has_news(self) -> bool:
        """Whether something is new since the last time this was asked; the first time, there is."""
        now = scheduled_runs.news_of(self._store, self._column, self._ids, now_us() + AHEAD_US)
        changed, self._seen = now != self._seen, now
        return changed

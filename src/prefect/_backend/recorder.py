"""Recording what task runs report of themselves: many reports, one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._orchestration.reported import merged
from prefect._storage import task_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._backend.local import LocalBackend
    from prefect._orchestration.reported import Reported
    from prefect.model.records import TaskRunRecord


def record(backend: LocalBackend, reports: Iterable[Reported]) -> list[TaskRunRecord]:
    """Bring the runs up to date; those that changed. Reports may come in any order, and more than once.

    Raises:
        StoreError: nothing was written.
    """
    by_run: dict[bytes, list[Reported]] = {}
    for report in reports:
        by_run.setdefault(report.run_id, []).append(report)
    if not by_run:
        return []
    with backend.store.write() as cx:
        ids = sorted(by_run)  # in one order everywhere: two writers never wait for each other
        known = task_runs.held(cx, ids)
        changed = [now for id in ids if (now := merged(known.get(id), by_run[id])) is not None]
        if changed:
            task_runs.replace(cx, changed)
    backend.journal.announce(changed, ())
    return changed

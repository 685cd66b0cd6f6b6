"""Counting the task runs of a process by task name and state, from the rows that the journal commits."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.model.records import TaskRunRecord

MAX_TASKS = 500  # names counted each by itself; a program may make any number of them
OTHERS = "(other tasks)"
_FINISHED_KEPT = 4096  # finished runs that are still known, since a row may come again (a rollback)
_KINDS = {
    "COMPLETED": "completed",
    "FAILED": "failed",
    "CRASHED": "crashed",
    "CANCELLED": "cancelled",
    "RUNNING": "running",
}
FINAL = ("completed", "cached", "failed", "crashed", "cancelled")


class TaskTally:
    """The runs of one task: how many are in which kind of state, how many are expected, and since when."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: dict[str, int] = dict.fromkeys((*FINAL, *_KINDS.values(), "waiting"), 0)
        self.expected = 0
        self.began = self.changed = time.monotonic()

    @property
    def finished(self) -> int:
        """Runs in a final state."""
        return sum(self.counts[kind] for kind in FINAL)

    @property
    def total(self) -> int:
        """Runs that there are or will be."""
        return max(self.expected, sum(self.counts.values()))

    @property
    def active(self) -> bool:
        """Whether something is still to come."""
        return self.finished < self.total

    @property
    def seconds(self) -> float:
        """From the first sign of the task to the last, or to now."""
        return (time.monotonic() if self.active else self.changed) - self.began


class Tally:
    """The counts of all tasks.

    Runs are known by id until they are finished, and a little longer: memory is bounded by what is open.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, TaskTally] = {}
        self._open: dict[bytes, tuple[TaskTally, str]] = {}
        self._finished: dict[bytes, tuple[TaskTally, str]] = {}
        self._finished_before: dict[bytes, tuple[TaskTally, str]] = {}

    def expect(self, task_name: str, count: int) -> None:
        """So many runs of the task are going to be made."""
        self._task(task_name).expected += count

    def observe(self, rows: Iterable[TaskRunRecord]) -> None:
        """Take in the present states of task runs."""
        now = time.monotonic()
        for row in rows:
            known = self._forget(row.id)
            if known is not None:
                task, before = known
                task.counts[before] -= 1
            elif row.state_name == "RolledBack":  # finished long ago, and counted then
                continue
            else:
                task = self._task(row.task_key.rpartition("-")[0] or row.task_key)
            kind = "cached" if row.state_name == "Cached" else _KINDS.get(row.state_type, "waiting")
            task.counts[kind] += 1
            task.changed = now
            (self._finished if kind in FINAL else self._open)[row.id] = (task, kind)
        if len(self._finished) > _FINISHED_KEPT:
            self._finished_before, self._finished = self._finished, {}

    def _forget(self, run_id: bytes) -> tuple[TaskTally, str] | None:
        for known in (self._open, self._finished, self._finished_before):
            if run_id in known:
                return known.pop(run_id)
        return None

    def totals(self) -> Counter[str]:
        """Runs of all tasks by kind of state."""
        totals = Counter[str]()
        for task in list(self.tasks.values()):
            totals.update(task.counts)
        return totals

    def _task(self, name: str) -> TaskTally:
        found = self.tasks.get(name)
        if found is None:
            if len(self.tasks) >= MAX_TASKS:
                name = OTHERS
            found = self.tasks.setdefault(name, TaskTally(name))
        return found

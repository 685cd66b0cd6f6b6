"""Old runs are forgotten: by age, and the oldest first while the store is over its size.

A slice at a time, each a short transaction, so that no run waits for it noticeably. Freed pages are used
again by new rows; the file itself gets smaller only by `prefect database prune --vacuum`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prefect._base.clock import now_us
from prefect._storage import flow_runs, meta, pruning

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.protocol import Store, Transaction

FLOW_RUNS: Final = 200  # in one slice
ROWS: Final = 5000  # task runs, and log lines, in one slice
DUE: Final = "retention.due"
_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_CLAIM = 60_000_000  # whoever has begun goes on for so long before another process does
_PAUSE_SECONDS = 0.05  # between two slices


class Policy(NamedTuple):
    """What is kept: days after the end of a run (0: for ever), and bytes in all (0: no limit)."""

    days: int
    max_bytes: int


class Pruned(NamedTuple):
    """What was deleted."""

    flow_runs: int = 0
    task_runs: int = 0
    logs: int = 0

    def plus(self, other: Pruned) -> Pruned:
        """Both together."""
        return Pruned(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def prune(store: Store, policy: Policy, *, before: int | None = None) -> Pruned:
    """Delete all that the policy does not keep, a slice after the other.

    Args:
        store: from where.
        policy: what is kept.
        before: delete what ended before this time (microseconds UTC) instead.

    Raises:
        StoreError: the store cannot be written; what was deleted before stays deleted.
    """
    total = Pruned()
    while (deleted := prune_slice(store, policy, before=before)) != Pruned():
        total = total.plus(deleted)
    return total


def prune_slice(store: Store, policy: Policy, *, before: int | None = None) -> Pruned:
    """Delete a little of what the policy does not keep; nothing was left where nothing was deleted."""
    now = now_us()
    with store.write() as cx:
        deleted = Pruned()
        if before is not None or policy.days:
            deleted = _delete(cx, now - policy.days * _DAY if before is None else before)
        if deleted == Pruned() and before is None and policy.max_bytes and cx.used_bytes() > policy.max_bytes:
            deleted = _delete(cx, now)
        return deleted


def _delete(cx: Transaction, before: int) -> Pruned:
    """A slice of what ended before a time. A run goes once all that belongs to it is gone."""
    runs = pruning.ended_trees(cx, before, FLOW_RUNS)
    if not runs:
        return Pruned(0, *pruning.delete_orphans(cx, before, ROWS))
    task_runs, lines = pruning.delete_rows_of(cx, runs, ROWS)
    if ROWS in {task_runs, lines}:
        return Pruned(0, task_runs, lines)
    return Pruned(flow_runs.delete(cx, runs), task_runs, lines)


class Retention:
    """Prunes a store once an hour, from the journal's thread of a process that executes flow runs."""

    def __init__(self, store: Store, policy: Policy, is_busy: Callable[[], bool]) -> None:
        self._store = store
        self._policy = policy
        self._is_busy = is_busy
        self._look_at = 0
        self._going_on = False

    def seconds_to_next(self) -> float | None:
        """When `tick` has work again; None for not before something else happens."""
        return _PAUSE_SECONDS if self._going_on else None

    def tick(self) -> None:
        """Delete a slice if that is due: an hour after somebody was done with it."""
        now = now_us()
        if not self._is_busy() or (not self._going_on and now < self._look_at):
            return
        if not self._going_on and not self._claim(now):
            return
        self._going_on = prune_slice(self._store, self._policy) != Pruned()
        if not self._going_on:
            self._look_at = now + _HOUR
            with self._store.write() as cx:
                meta.write(cx, DUE, str(self._look_at))

    def _claim(self, now: int) -> bool:
        """Take the work, unless it was done within the hour or another process is at it."""
        due = int(meta.read(self._store, DUE) or 0)
        self._look_at = min(due, now + _HOUR)
        if now < self._look_at or not any(self._policy):
            self._look_at = max(self._look_at, now + _CLAIM)
            return False
        with self._store.write() as cx:
            meta.write(cx, DUE, str(now + _CLAIM))
        return True

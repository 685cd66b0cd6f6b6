"""What the rules ask about the schedule that a run was made for, and what they decide for its other runs.

All of it in the transaction that decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._orchestration.flow_schedules import WAITING
from prefect._orchestration.transition import Sibling, SlotFacts, new_state
from prefect._storage import flow_runs, scheduled_runs
from prefect._storage.deployments import SCHEDULES

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction
    from prefect.model.records import FlowRunRecord


def slot_facts(cx: Transaction, run: FlowRunRecord, now: int) -> SlotFacts | None:
    """The policies of a run's schedule; None where it has none, or the run none."""
    schedule_id = scheduled_runs.schedule_of(run.idempotency_key) if run.auto_scheduled else None
    schedule = SCHEDULES.read(cx, id=schedule_id) if schedule_id else None
    if schedule is None or (schedule.overlap is None and schedule.catch_up is None):
        return None

    def sibling(*, waiting: bool = False) -> Sibling | None:
        row = scheduled_runs.unfinished_sibling(cx, run, waiting=waiting)
        return Sibling(*row) if row else None

    return SlotFacts(
        schedule.overlap,
        schedule.catch_up,
        run.expected_start_time or now,
        sibling,
        lambda: scheduled_runs.newer_is_due(cx, run, now),
    )


def wake_next(cx: Transaction, run: FlowRunRecord, now: int) -> None:
    """A run of a schedule has ended: the next one that waits for it need wait no longer."""
    waiting = scheduled_runs.next_waiting(cx, run, WAITING)
    if waiting is None:
        return
    timestamp = max(now, waiting.state.timestamp + 1)
    state = new_state(
        "SCHEDULED", WAITING, timestamp, f"Flow run '{run.name}' has ended.", scheduled_time=now
    )
    changes = {"state": state, "updated": now, "next_scheduled_start_time": now}
    flow_runs.update(cx, waiting.id, changes)
    flow_runs.insert_state(cx, waiting.id, state)

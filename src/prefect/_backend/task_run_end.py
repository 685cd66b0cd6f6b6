"""A task run is ended by somebody else than its executor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prefect._storage import task_runs
from prefect._storage.holders import holds_slots
from prefect.model.history import history_with

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction
    from prefect.model.records import TaskRunRecord


def end_task_run(cx: Transaction, run: TaskRunRecord, state_type: str, message: str | None, now: int) -> None:
    """Write a terminal state, named after its type, into the run's row and history."""
    name = state_type.title()
    ended = run._replace(
        state_type=state_type,
        state_name=name,
        state_timestamp=now,
        state_message=message,
        end_time=now,
        history=json.dumps(history_with(run, (state_type, name, now, message))),
    )
    task_runs.upsert(cx, [ended])
    if holds_slots(cx, run.id):
        from prefect._backend import slots  # few runs hold any

        slots.give_back_all(cx, [run.id])

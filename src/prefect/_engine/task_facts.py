"""Small facts about task runs and their rows."""

from __future__ import annotations

import json
from typing import NamedTuple
from uuid import UUID

from prefect.model.records import TaskRunRecord
from prefect.settings import get_current_settings

TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
# places in the row; from CHANGING on it is replaced at each transition
NAME = TaskRunRecord._fields.index("name")
MEMO = TaskRunRecord._fields.index("memo")
CHANGING = TaskRunRecord._fields.index("state_type")

to_json = json.JSONEncoder(separators=(",", ":"), default=str).encode
from_json = json.loads


class Source(NamedTuple):
    """A task run that an input came from."""

    id: UUID
    input_type: str = "task_run"


def persist_by_default() -> bool:
    """Whether the results of tasks are persisted when neither the task nor its flow says so."""
    settings = get_current_settings()
    asked = settings.tasks.default_persist_result
    return settings.results.persist_by_default if asked is None else asked

"""What a server has seen: states of runs, and task workers."""

from __future__ import annotations

from pydantic import BaseModel

from prefect.model.base import DateTime, NamedEnum


class ObservedStateSort(NamedEnum):
    """Orders of observed states."""

    NAME_ASC = "NAME_ASC"
    LAST_SEEN_DESC = "LAST_SEEN_DESC"


class ObservedState(BaseModel):
    """A state's type and name, and when a run first and last entered one."""

    state_type: str
    state_name: str
    first_seen: DateTime
    last_seen: DateTime


class TaskWorkerResponse(BaseModel):
    """A task worker that is connected, and the tasks it takes."""

    identifier: str
    task_keys: list[str]
    timestamp: DateTime

"""Task workers that are connected to a server: rows that it makes, touches and removes."""

from __future__ import annotations

from typing import NamedTuple

from prefect._storage.table import Table


class TaskWorkerRecord(NamedTuple):
    """A connection of a worker; `seen` is when its server last said that it is there."""

    id: bytes
    name: str
    task_keys: list[str]
    seen: int


TASK_WORKERS = Table("task_worker", TaskWorkerRecord, json=("task_keys",), times=("seen",))

"""Task workers that are connected: on record as long as their server says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.clauses import compare
from prefect._storage.task_workers import TASK_WORKERS, TaskWorkerRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store

TOUCH_SECONDS: Final = 30
_GONE_US: Final = 3 * TOUCH_SECONDS * 1_000_000  # its server has died


def connected(store: Store, name: str, task_keys: Sequence[str]) -> bytes:
    """A worker is here; the id of its connection."""
    made = TaskWorkerRecord(new_id(), name, list(task_keys), now_us())
    with store.write() as cx:
        for gone in TASK_WORKERS.find(cx, [compare("seen", "<=", made.seen - _GONE_US)]):
            TASK_WORKERS.delete(cx, id=gone.id)
        TASK_WORKERS.insert(cx, made)
    return made.id


def touch(store: Store, connection: bytes) -> None:
    """It is still here."""
    with store.write() as cx:
        TASK_WORKERS.update(cx, connection, {"seen": now_us()})


def disconnected(store: Store, connection: bytes) -> None:
    """It has gone."""
    with store.write() as cx:
        TASK_WORKERS.delete(cx, id=connection)


def present(store: Store) -> list[TaskWorkerRecord]:
    """The workers that are here, the one first that came first."""
    return TASK_WORKERS.find(store, [compare("seen", ">", now_us() - _GONE_US)])

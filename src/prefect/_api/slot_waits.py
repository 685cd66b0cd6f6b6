"""What a flow run waits for: slots of concurrency limits, and who holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._base.clock import now_us, to_datetime
from prefect._storage import concurrency, flow_runs, task_runs, waiters
from prefect._storage.filters import Condition
from prefect.model.concurrency import ConcurrencyLeaseHolder, SlotHolder, SlotWait

if TYPE_CHECKING:
    from prefect._storage.concurrency import LeaseRecord
    from prefect._storage.protocol import Store
    from prefect._storage.waiters import Waiting

_MOST_RUNS = 5000
_MOST_HOLDERS = 5


@endpoint("GET", "/flow_runs/{id}/slot_waits")
def read_slot_waits(api: Api, id: UUID) -> list[SlotWait]:
    """What the run, and the task runs of it that have not ended, wait for; who came first first."""
    now = now_us()
    unfinished = [
        Condition("flow_run_id", "=", id.bytes),
        Condition("state_type", "in", ("PENDING", "SCHEDULED", "RUNNING")),
    ]
    names = {run.id: run.name for run in task_runs.find(api.store, unfinished, limit=_MOST_RUNS)}
    found = waiters.waiting(api.store, [id.bytes, *names], now)
    return [_shown(api.store, one, names.get(one.holder_id), now) for one in found]


def _shown(store: Store, one: Waiting, task_run: str | None, now: int) -> SlotWait:
    kind = "flow_run" if task_run is None else "task_run"
    leases = concurrency.held(store, one.limit_id, now)[:_MOST_HOLDERS]
    return SlotWait(
        limit=one.limit,
        slots=one.slot_limit,
        since=to_datetime(one.since),
        waiter=ConcurrencyLeaseHolder(type=kind, id=UUID(bytes=one.holder_id)),
        name=task_run or _name(store, "flow_run", one.holder_id) or "",
        holders=[_holder(store, lease) for lease in leases],
    )


def _holder(store: Store, lease: LeaseRecord) -> SlotHolder:
    name = _name(store, lease.holder_type, lease.holder_id) if lease.holder_id else None
    id = UUID(bytes=lease.holder_id) if lease.holder_id else None
    return SlotHolder(type=lease.holder_type, id=id, name=name, since=to_datetime(lease.created))


def _name(store: Store, kind: str | None, id: bytes) -> str | None:
    if kind == "task_run":
        found = task_runs.find(store, [Condition("id", "=", id)])
        return found[0].name if found else None
    found_runs = flow_runs.find(store, [Condition("id", "=", id)])
    return found_runs[0].name if found_runs else None

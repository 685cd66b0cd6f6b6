"""The slots of limits on tags, for task runs whose states are set from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._backend import slots
from prefect._backend.slots import Holder, freed
from prefect._base.clock import now_us
from prefect._orchestration import TagLimit
from prefect._storage import concurrency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._orchestration.transition import Slot
    from prefect._storage.protocol import Store, Transaction
    from prefect.model.records import TaskRunRecord

_PREFIX = "tag:"


def limits(cx: Transaction, tags: Sequence[str]) -> list[TagLimit]:
    """The limits on these tags that are on, locked, and how much room they have."""
    found = [one for one in concurrency.lock(cx, [_PREFIX + tag for tag in tags]) if one.active]
    levels = concurrency.levels(cx, [one.id for one in found], now_us())
    return [
        TagLimit(
            one.name.removeprefix(_PREFIX),
            one.slot_limit,
            one.slot_limit - concurrency.whole(levels.get(one.id, 0.0)),
        )
        for one in found
    ]


def settle(cx: Transaction, store: Store, run: TaskRunRecord, decision: Slot, tags: Sequence[str]) -> None:
    """Take or give back what was decided, in the transaction that writes the state."""
    if decision == "release":
        if slots.give_back_all(cx, [run.id]):
            freed(store)
    elif decision == "take" and concurrency.known(cx, [_PREFIX + tag for tag in tags]):
        slots.take(cx, [_PREFIX + tag for tag in tags], 1, holder=Holder("task_run", run.id))

"""The slots that a task run holds of the limits on its tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from prefect._base.drive import Sleep
from prefect._engine.effects import Verb
from prefect.concurrency import _taking
from prefect.concurrency._leases import LEASES
from prefect.model.concurrency import ConcurrencyLeaseHolder

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from prefect._engine.task_call import TaskCall

LEASE_SECONDS: Final = 60.0
NOTE: Final = "slots"  # in the row: the store frees them with the final state


def take(call: TaskCall, names: Sequence[str]) -> Generator[Any, Any, bool]:
    """Wait for a slot of each limit; whether any is held now.

    Raises:
        ConcurrencySlotAcquisitionError: a limit is 0.
    """
    if not call.queued:
        call.refresh()
        call.journal.put(call)
    # on record before it holds anything: should this process die, its slots are found by the run
    yield Verb(call.backend, call.journal.commit)
    holder = ConcurrencyLeaseHolder(type="task_run", id=UUID(bytes=call.id))
    wish = _taking.wish_of(list(names), 1, None, None, False, LEASE_SECONDS, holder)
    lease_id = yield from _taking.take(wish, warns=False)
    if lease_id is None:
        return False
    call.note(NOTE, str(lease_id))
    LEASES.keep(lease_id, LEASE_SECONDS, lambda _: None)
    return True


def give_back(call: TaskCall) -> Generator[Any, Any, None]:
    """Hold them no more; with a final state the store has freed them, or does so with its row."""
    assert call.detail is not None
    found = call.detail.get(NOTE)
    if found is None:
        return
    lease_id = UUID(found)
    LEASES.drop(lease_id)
    if not (call.done and call.backend.frees_slots):
        yield from _taking.give_back(lease_id)


def sleep_without(call: TaskCall, seconds: float) -> Generator[Any, Any, None]:
    """Between two tries nobody is kept waiting."""
    assert call.detail is not None
    yield from give_back(call)
    del call.detail[NOTE]
    yield Sleep(seconds)
    yield from take(call, [f"tag:{tag}" for tag in call.detail["tags"]])

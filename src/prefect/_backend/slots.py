"""Taking slots of concurrency limits, keeping them, and giving them back.

Whoever takes, counts and inserts in one transaction that has locked the limits: no two take the same slot.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import concurrency
from prefect._storage.concurrency import LEASES, LIMITS, SECOND, SLOTS, LeaseRecord, LimitRecord, SlotRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store, Transaction

Mode = Literal["concurrency", "rate_limit"]
FREED: Final = "slots"  # the channel of who waits for them
SOONEST_RETRY = 0.1  # seconds
_NEWS = 0.1  # the share of the last occupancy in the average of them


class Holder(NamedTuple):
    """For whom slots are taken: a flow run, a task run, a deployment."""

    type: str
    id: bytes


class Taken(NamedTuple):
    """Slots were taken, of all limits that exist."""

    lease_id: bytes
    limits: list[LimitRecord]


class Full(NamedTuple):
    """A limit has no free slots; nothing was taken."""

    limit: LimitRecord
    retry_after: float  # seconds


class Never(NamedTuple):
    """What is asked for cannot be had however long one waits."""

    limit: LimitRecord | None
    reason: str


def take(
    cx: Transaction,
    names: Sequence[str],
    slots: int,
    *,
    mode: Mode = "concurrency",
    seconds: float | None = None,
    holder: Holder | None = None,
    longest_wait: float = 30.0,
) -> Taken | Full | Never:
    """Take slots of each of the limits, or of none.

    Names without a limit are ignored, and a limit that is off lets everybody pass.

    Args:
        cx: the limits stay locked until it ends.
        names: of the limits.
        slots: so many of each.
        mode: `rate_limit` asks for limits whose slots decay.
        seconds: how long the slots are held unless the lease is renewed; None: until they are given back.
        holder: for whom; known to those who look at the limit.
        longest_wait: the most seconds after which a refused asker is told to ask again.
    """
    now = now_us()
    limits = concurrency.lock(cx, names)
    active = [limit for limit in limits if limit.active]
    impossible = never(active, slots, mode)
    if impossible is not None:
        return impossible
    taken = concurrency.levels(cx, [limit.id for limit in active], now)
    for limit in active:
        excess = taken.get(limit.id, 0.0) + slots - limit.slot_limit
        if excess > 1e-9:
            return Full(limit, min(_retry_after(limit, excess, slots), longest_wait))
    lease = LeaseRecord(
        id=new_id(),
        holder_type=holder.type if holder else None,
        holder_id=holder.id if holder else None,
        created=now,
        expires=None if seconds is None else now + round(seconds * SECOND),
    )
    if seconds is not None or holder is not None:
        LEASES.insert(cx, lease)
    for limit in active:
        SLOTS.insert(cx, _slot(cx, limit, lease, slots, now))
    return Taken(lease.id, limits)


def grant(cx: Transaction, limit: LimitRecord, holder: Holder) -> None:
    """A slot for a holder, whether or not one is free."""
    lease = LeaseRecord(new_id(), holder.type, holder.id, now_us(), None)
    LEASES.insert(cx, lease)
    SLOTS.insert(cx, _slot(cx, limit, lease, 1, lease.created))


def never(limits: Sequence[LimitRecord], slots: int, mode: Mode) -> Never | None:
    """Why so many slots of limits that are on cannot be had; None where they can."""
    if mode == "rate_limit":
        steady = [limit.name for limit in limits if limit.slot_decay_per_second <= 0]
        if steady:
            return Never(
                None,
                "Only concurrency limits with slot decay can be used for rate limiting. "
                f"The following limits do not have a decay configured: {', '.join(map(repr, steady))}",
            )
    small = next((limit for limit in limits if slots > limit.slot_limit), None)
    return Never(small, "Slots requested is greater than the limit") if small else None


def _slot(cx: Transaction, limit: LimitRecord, lease: LeaseRecord, slots: int, now: int) -> SlotRecord:
    concurrency.forget_expired(cx, limit.id, now)
    if limit.slot_decay_per_second <= 0:
        return SlotRecord(limit.id, lease.id, slots, 0, lease.expires)
    drained = concurrency.drained_at(cx, limit.id, now) + round(slots / limit.slot_decay_per_second * SECOND)
    return SlotRecord(limit.id, lease.id, slots, 1, drained)


def _retry_after(limit: LimitRecord, excess: float, slots: int) -> float:
    """When enough slots have decayed; else, how long slots are held on average, and not all asking at once."""
    if limit.slot_decay_per_second > 0:
        return max(excess / limit.slot_decay_per_second * random.uniform(1.0, 1.1), 0.001)  # noqa: S311 - a delay
    expected = limit.avg_slot_occupancy * slots / limit.slot_limit
    return max(expected * random.uniform(0.8, 1.2), SOONEST_RETRY)  # noqa: S311 - a delay


def give_back(cx: Transaction, lease_id: bytes) -> None:
    """The slots of a lease are free; nothing where it has ended before."""
    lease = LEASES.read(cx, id=lease_id)
    for limit in concurrency.lock(cx, concurrency.limits_of(cx, lease_id)):
        if lease is not None:
            note_occupancy(cx, limit, (now_us() - lease.created) / SECOND)
    SLOTS.delete(cx, lease_id=lease_id)
    LEASES.delete(cx, id=lease_id)


def freed(store: Store) -> None:
    """Tell whoever waits for slots, in the transaction that frees them."""
    if store.blocks:
        store.notify(FREED)
    else:
        store.stir()


def give_back_all(cx: Transaction, holder_ids: Sequence[bytes]) -> bool:
    """The slots of these runs are free: they have ended. Whether there were any."""
    leases = concurrency.leases_of(cx, holder_ids)
    for lease_id in leases:
        give_back(cx, lease_id)
    return bool(leases)


def note_occupancy(cx: Transaction, limit: LimitRecord, seconds: float) -> None:
    """Learn how long slots of a limit are held: those who wait ask accordingly."""
    average = limit.avg_slot_occupancy * (1 - _NEWS) + seconds * _NEWS
    LIMITS.update(cx, limit.id, {"avg_slot_occupancy": average})


def give_back_slots(cx: Transaction, limit: LimitRecord, slots: int) -> None:
    """Free slots that no lease owns, the oldest first: those that were taken without one."""
    for owned in concurrency.slots_by_age(cx, limit.id):
        if slots <= 0:
            return
        if LEASES.read(cx, id=owned.lease_id) is None:
            _shrink(cx, owned, slots)
            slots -= owned.slots


def set_taken(cx: Transaction, limit: LimitRecord, slots: int) -> None:
    """So many slots are taken, whoever has taken them: leases are revoked until no more than that are."""
    now = now_us()
    concurrency.forget_expired(cx, limit.id, now)
    surplus = concurrency.whole(concurrency.levels(cx, [limit.id], now).get(limit.id, 0.0)) - slots
    for owned in concurrency.slots_by_age(cx, limit.id) if surplus > 0 else []:
        if surplus > 0:
            SLOTS.delete(cx, lease_id=owned.lease_id)  # of other limits too: the lease is over
            LEASES.delete(cx, id=owned.lease_id)
            surplus -= owned.slots
    if surplus < 0:
        lease = LeaseRecord(new_id(), None, None, now, None)
        SLOTS.insert(cx, _slot(cx, limit, lease, -surplus, now))


def _shrink(cx: Transaction, owned: SlotRecord, by: int) -> None:
    if owned.slots > by:
        concurrency.set_slots(cx, owned, slots=owned.slots - by)
    else:
        SLOTS.delete(cx, limit_id=owned.limit_id, lease_id=owned.lease_id)


def change_decay(cx: Transaction, limit: LimitRecord, new: float) -> None:
    """The slots that decay are free as much sooner or later as the new decay says."""
    now = now_us()
    for owned in concurrency.slots_by_age(cx, limit.id):
        if owned.decays and owned.expires is not None and owned.expires > now:
            left = (owned.expires - now) * limit.slot_decay_per_second
            concurrency.set_slots(cx, owned, expires=now + round(left / new) if new > 0 else now)

"""Concurrency limits by name, and the slots that clients take of them under leases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.later import NotYet
from prefect._api.limits import page_of
from prefect._backend import slots
from prefect._backend.slots import Full, Holder, Never, Taken, freed
from prefect._backend.turns import Wish
from prefect._backend.waiting_room import Waiter
from prefect._base.clock import now_us, to_datetime
from prefect._base.ids import new_id
from prefect._storage import concurrency
from prefect._storage.concurrency import LIMITS, SECOND, LimitRecord
from prefect._storage.waiters import WAITERS
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.concurrency import (
    ConcurrencyLimitV2,
    ConcurrencyLimitWithLeaseResponse,
    GlobalConcurrencyLimitResponse,
    MinimalConcurrencyLimitResponse,
)
from prefect.model.requests.concurrency import (
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    DecrementSlots,
    DecrementWithLease,
    FilterLimits,
    IncrementSlots,
    IncrementWithLease,
    RenewLease,
)
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.protocol import Queries, Transaction

R = TypeVar("R")
LOCKED = 423
GONE = 410
AVERAGE_OCCUPANCY = 2.0  # seconds, of a limit that nobody has used


@endpoint("POST", "/v2/concurrency_limits/", status=201)
def create_concurrency_limit_v2(api: Api, body: ConcurrencyLimitV2Create) -> ConcurrencyLimitV2:
    """Make a limit. Raises ObjectAlreadyExists where the name is taken."""
    with api.store.write() as cx:
        limit = insert(
            cx,
            body.name,
            body.limit,
            active=body.active,
            decay=body.slot_decay_per_second,
            denied=body.denied_slots,
        )
        slots.set_taken(cx, limit, body.active_slots)
    api.backend.forget_limits()
    return ConcurrencyLimitV2(
        **_shown(limit, body.active_slots).model_dump(),
        denied_slots=limit.denied_slots,
        avg_slot_occupancy_seconds=limit.avg_slot_occupancy,
    )


@endpoint("GET", "/v2/concurrency_limits/{id_or_name}")
def read_concurrency_limit_v2(api: Api, id_or_name: str) -> GlobalConcurrencyLimitResponse:
    """One limit. Raises ObjectNotFound."""
    return limits_shown(api.store, [_found(api.store, id_or_name)])[0]


@endpoint("POST", "/v2/concurrency_limits/filter")
def read_all_concurrency_limits_v2(
    api: Api, body: FilterLimits | None = None
) -> list[GlobalConcurrencyLimitResponse]:
    """The limits, by name."""
    return limits_shown(api.store, LIMITS.find(api.store, order="name", **page_of(body or FilterLimits())))


@endpoint("PATCH", "/v2/concurrency_limits/{id_or_name}", status=204)
def update_concurrency_limit_v2(api: Api, id_or_name: str, body: ConcurrencyLimitV2Update) -> None:
    """Change a limit; `active_slots` revokes leases until no more slots than that are taken.

    Raises ObjectNotFound, ObjectAlreadyExists.
    """
    api.backend.forget_limits()
    given = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    with api.store.write() as cx:
        (limit,) = concurrency.lock(cx, [_found(cx, id_or_name).name])
        if given.get("name", limit.name) != limit.name:
            _require_free(cx, given["name"])
        taken = given.pop("active_slots", None)
        if "slot_decay_per_second" in given:
            slots.change_decay(cx, limit, given["slot_decay_per_second"])
        changes: dict[str, Any] = {_COLUMNS.get(name, name): value for name, value in given.items()}
        if "active" in changes:
            changes["active"] = int(changes["active"])
        LIMITS.update(cx, limit.id, {**changes, "updated": now_us()})
        if taken is not None:
            slots.set_taken(cx, limit._replace(**changes), taken)
        freed(api.store)


_COLUMNS = {"limit": "slot_limit"}


@endpoint("DELETE", "/v2/concurrency_limits/{id_or_name}", status=204)
def delete_concurrency_limit_v2(api: Api, id_or_name: str) -> None:
    """Remove a limit; whoever holds slots of it goes on. Raises ObjectNotFound."""
    api.backend.forget_limits()
    with api.store.write() as cx:
        delete(cx, _found(cx, id_or_name))
        freed(api.store)


@endpoint("POST", "/v2/concurrency_limits/increment-with-lease", also=[LOCKED])
def increment_with_lease(api: Api, body: IncrementWithLease) -> ConcurrencyLimitWithLeaseResponse:
    """Take slots of each of the limits, or of none, until the lease is over.

    Raises Refused: 423 with the seconds after which to ask again, where a limit is full; 422 where it never has
    so many slots. With `patience` it stands in a line until it is its turn.
    """
    holder = Holder(body.holder.type, body.holder.id.bytes) if body.holder else None

    def answer(taken: Taken) -> ConcurrencyLimitWithLeaseResponse:
        return ConcurrencyLimitWithLeaseResponse(
            lease_id=UUID(bytes=taken.lease_id), limits=[minimal(limit) for limit in taken.limits]
        )

    return _taken(api, body, answer, seconds=body.lease_duration, holder=holder)


@endpoint("POST", "/v2/concurrency_limits/decrement-with-lease", status=204)
def decrement_with_lease(api: Api, body: DecrementWithLease) -> None:
    """Give a lease's slots back; nothing where it has ended before."""
    with api.store.write() as cx:
        slots.give_back(cx, body.lease_id.bytes)
        freed(api.store)


@endpoint("POST", "/v2/concurrency_limits/leases/{lease_id}/renew", status=204, audited=False, also=[GONE])
def renew_concurrency_lease(api: Api, lease_id: UUID, body: RenewLease | None = None) -> None:
    """Keep a lease. Raises Refused with status 410 where it has ended."""
    now = now_us()
    expires = now + round((body or RenewLease()).lease_duration * SECOND)
    with api.store.write() as cx:
        if not concurrency.renew(cx, lease_id.bytes, expires, now):
            raise Refused("Lease not found - it may have expired or been revoked", status=GONE)


@endpoint("POST", "/v2/concurrency_limits/increment", also=[LOCKED])
def increment_slots(api: Api, body: IncrementSlots) -> list[MinimalConcurrencyLimitResponse]:
    """Take slots that nobody's lease holds: until they are given back, or have decayed. Raises Refused as above."""
    return _taken(api, body, lambda taken: [minimal(limit) for limit in taken.limits])


@endpoint("POST", "/v2/concurrency_limits/decrement")
def decrement_slots(api: Api, body: DecrementSlots) -> list[MinimalConcurrencyLimitResponse]:
    """Give back slots that were taken without a lease."""
    with api.store.write() as cx:
        limits = concurrency.lock(cx, body.names)
        for limit in limits:
            slots.give_back_slots(cx, limit, body.slots)
            if body.occupancy_seconds is not None:
                slots.note_occupancy(cx, limit, body.occupancy_seconds)
        freed(api.store)
    return [minimal(limit) for limit in limits]


def _taken(
    api: Api, body: IncrementSlots | IncrementWithLease, answer: Callable[[Taken], R], **under: Any
) -> R:
    """Take slots at once; who has patience waits for them, see `NotYet`."""
    longest = get_current_settings().server.concurrency.maximum_concurrency_slot_wait_seconds
    if not body.patience:
        with api.store.write() as cx:
            said = slots.take(cx, body.names, body.slots, mode=body.mode, longest_wait=longest, **under)
        return answer(_granted(said))
    ticket = body.ticket.bytes if body.ticket else new_id()
    wish = Wish(ticket, tuple(body.names), body.slots, body.mode, **under)
    room = api.backend.room
    found = room.ask(wish, longest_wait=longest)
    if not isinstance(found, Waiter):
        return answer(_granted(found))

    def end() -> R:
        if found.answer is None:
            room.leave(found, for_good=False)
        # what was given while it left was given back: it asks again
        return answer(_granted(found.answer))

    raise NotYet(found, body.patience, end, lambda: room.leave(found, for_good=True))


def _granted(said: Taken | Full | Never | None) -> Taken:
    """Raises Refused where nothing was taken."""
    if said is None:
        raise Refused("Locked", status=LOCKED, retry_after=0.0)
    if isinstance(said, Full):
        raise Refused("Locked", status=LOCKED, retry_after=said.retry_after)
    if isinstance(said, Never):
        raise Refused(said.reason)
    return said


def insert(
    cx: Transaction, name: str, limit: int, *, active: bool = True, decay: float = 0.0, denied: int = 0
) -> LimitRecord:
    """A new limit. Raises ObjectAlreadyExists where the name is taken."""
    _require_free(cx, name)
    now = now_us()
    record = LimitRecord(
        id=new_id(),
        name=name,
        slot_limit=limit,
        active=int(active),
        slot_decay_per_second=decay,
        denied_slots=denied,
        avg_slot_occupancy=AVERAGE_OCCUPANCY,
        created=now,
        updated=now,
    )
    LIMITS.insert(cx, record)
    return record


def delete(cx: Transaction, limit: LimitRecord) -> None:
    """Remove a limit and its slots."""
    concurrency.SLOTS.delete(cx, limit_id=limit.id)
    WAITERS.delete(cx, limit_id=limit.id)
    LIMITS.delete(cx, id=limit.id)


def minimal(limit: LimitRecord) -> MinimalConcurrencyLimitResponse:
    """A limit, in short."""
    return MinimalConcurrencyLimitResponse(id=UUID(bytes=limit.id), name=limit.name, limit=limit.slot_limit)


def _found(source: Queries, id_or_name: str) -> LimitRecord:
    try:
        limit = LIMITS.read(source, id=UUID(id_or_name).bytes)
    except ValueError:
        limit = None
    limit = limit or LIMITS.read(source, name=id_or_name)
    if limit is None:
        raise missing("Concurrency Limit")
    return limit


def _require_free(cx: Transaction, name: str) -> None:
    if LIMITS.read(cx, name=name) is not None:
        raise ObjectAlreadyExists(None, f"Concurrency limit with name {name!r} already exists.")


def limits_shown(source: Queries, limits: list[LimitRecord]) -> list[GlobalConcurrencyLimitResponse]:
    """Limits as they are answered, in their order."""
    levels = concurrency.levels(source, [limit.id for limit in limits], now_us())
    return [_shown(limit, concurrency.whole(levels.get(limit.id, 0.0))) for limit in limits]


def _shown(limit: LimitRecord, active_slots: int) -> GlobalConcurrencyLimitResponse:
    return GlobalConcurrencyLimitResponse(
        id=UUID(bytes=limit.id),
        created=to_datetime(limit.created),
        updated=to_datetime(limit.updated),
        active=bool(limit.active),
        name=limit.name,
        limit=limit.slot_limit,
        active_slots=active_slots,
        slot_decay_per_second=limit.slot_decay_per_second,
    )

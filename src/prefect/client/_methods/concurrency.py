"""Concurrency limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from prefect._api import concurrency, slot_waits, tag_limits
from prefect.client._method import Caller, method
from prefect.exceptions import ObjectNotFound
from prefect.model.concurrency import ConcurrencyLimitWithLeaseResponse
from prefect.model.requests.concurrency import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    DecrementSlots,
    DecrementWithLease,
    FilterLimits,
    IncrementSlots,
    IncrementWithLease,
    RenewLease,
    ResetTagLimit,
    TagSlot,
)

if TYPE_CHECKING:
    import httpx
    from pydantic import BaseModel

    from prefect.client._method import Steps
    from prefect.model.concurrency import (
        ConcurrencyLeaseHolder,
        ConcurrencyLimit,
        GlobalConcurrencyLimitResponse,
        SlotWait,
    )
    from prefect.model.requests.concurrency import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate

    Mode = Literal["concurrency", "rate_limit"]


def _response(status: int, answer: BaseModel | list[BaseModel] | None = None) -> httpx.Response:
    """The answer as these methods give it: as a response of HTTP, whether or not there was one."""
    import httpx  # 60 ms of import that other methods do without

    if answer is None:
        return httpx.Response(status)
    if isinstance(answer, list):
        return httpx.Response(status, json=[one.model_dump(mode="json") for one in answer])
    return httpx.Response(status, json=answer.model_dump(mode="json"))


class ConcurrencyLimitMethods(Caller):
    """What both clients ask about the limits of tags."""

    @method
    def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> Steps[UUID]:
        """Limit a tag, or change its limit; the limit's id."""
        body = ConcurrencyLimitCreate(tag=tag, concurrency_limit=concurrency_limit)
        return (yield self._ask(tag_limits.create_concurrency_limit, body=body)).id

    @method
    def read_concurrency_limit_by_tag(self, tag: str) -> Steps[ConcurrencyLimit]:
        """The limit of a tag. Raises ObjectNotFound."""
        return (yield self._ask(tag_limits.read_concurrency_limit_by_tag, tag=tag))

    @method
    def read_concurrency_limits(self, limit: int, offset: int) -> Steps[list[ConcurrencyLimit]]:
        """The limits of tags, by tag."""
        body = FilterLimits(limit=limit, offset=offset)
        return (yield self._ask(tag_limits.read_concurrency_limits, body=body))

    @method
    def reset_concurrency_limit_by_tag(
        self, tag: str, slot_override: list[UUID | str] | None = None
    ) -> Steps[None]:
        """Free the slots of a tag; or let those task runs hold them. Raises ObjectNotFound."""
        override = None if slot_override is None else [UUID(str(one)) for one in slot_override]
        body = ResetTagLimit(slot_override=override)
        yield self._ask(tag_limits.reset_concurrency_limit_by_tag, tag=tag, body=body)

    @method
    def delete_concurrency_limit_by_tag(self, tag: str) -> Steps[None]:
        """Remove the limit of a tag. Raises ObjectNotFound."""
        yield self._ask(tag_limits.delete_concurrency_limit_by_tag, tag=tag)

    @method
    def increment_v1_concurrency_slots(self, names: list[str], task_run_id: UUID) -> Steps[httpx.Response]:
        """A task run takes a slot of each tag. Raises for 423 where one has none left."""
        body = TagSlot(names=names, task_run_id=task_run_id)
        answer = yield self._ask(tag_limits.increment_concurrency_limits_v1, body=body)
        return _response(200, answer)

    @method
    def decrement_v1_concurrency_slots(
        self,
        names: list[str],
        task_run_id: UUID,
        occupancy_seconds: float,  # noqa: ARG002 - part of the API; the store knows
    ) -> Steps[httpx.Response]:
        """A task run gives its slots of the tags back."""
        body = TagSlot(names=names, task_run_id=task_run_id)
        answer = yield self._ask(tag_limits.decrement_concurrency_limits_v1, body=body)
        return _response(200, answer)


class GlobalConcurrencyLimitMethods(Caller):
    """What both clients ask about named limits and their slots."""

    @method
    def increment_concurrency_slots(self, names: list[str], slots: int, mode: Mode) -> Steps[httpx.Response]:
        """Take slots without a lease. Raises for 423 where a limit is full."""
        body = IncrementSlots(names=names, slots=slots, mode=mode)
        return _response(200, (yield self._ask(concurrency.increment_slots, body=body)))

    @method
    def increment_concurrency_slots_with_lease(
        self,
        names: list[str],
        slots: int,
        mode: Mode,
        lease_duration: float,
        holder: ConcurrencyLeaseHolder | None = None,
    ) -> Steps[httpx.Response]:
        """Take slots under a lease of so many seconds. Raises for 423 where a limit is full."""
        body = IncrementWithLease(
            names=names, slots=slots, mode=mode, lease_duration=lease_duration, holder=holder
        )
        return _response(200, (yield self._ask(concurrency.increment_with_lease, body=body)))

    @method
    def take_concurrency_slots(
        self,
        names: list[str],
        slots: int,
        mode: Mode,
        ticket: UUID,
        patience: float = 0,
        lease_duration: float | None = None,
        holder: ConcurrencyLeaseHolder | None = None,
    ) -> Steps[ConcurrencyLimitWithLeaseResponse]:
        """Take slots, with `patience` seconds to wait for them in a queue, where who is asked knows how to.

        Args:
            names: of the limits.
            slots: of each.
            mode: `rate_limit` for slots that decay.
            ticket: keeps the asker's place from one request to the next.
            patience: 0 is refused at once where a limit is full.
            lease_duration: seconds; with `rate_limit` none.
            holder: for whom.
        """
        waiting: dict[str, Any] = {"patience": patience, "ticket": ticket} if patience else {}
        if mode == "rate_limit":
            body = IncrementSlots(names=names, slots=slots, mode=mode, **waiting)
            limits = yield self._ask(concurrency.increment_slots, body=body)
            return ConcurrencyLimitWithLeaseResponse(lease_id=ticket, limits=limits)
        given: dict[str, Any] = {} if lease_duration is None else {"lease_duration": lease_duration}
        wanted = IncrementWithLease(names=names, slots=slots, mode=mode, holder=holder, **given, **waiting)
        return (yield self._ask(concurrency.increment_with_lease, body=wanted))

    @method
    def read_slot_waits(self, flow_run_id: UUID) -> Steps[list[SlotWait]]:
        """The slots that a flow run and its task runs wait for; none, where the server does not know."""
        try:
            return (yield self._ask(slot_waits.read_slot_waits, id=flow_run_id))
        except ObjectNotFound:
            return []

    @method
    def renew_concurrency_lease(self, lease_id: UUID, lease_duration: float) -> Steps[httpx.Response]:
        """Keep a lease for so many seconds from now. Raises for 410 where it has ended."""
        body = RenewLease(lease_duration=lease_duration)
        yield self._ask(concurrency.renew_concurrency_lease, lease_id=lease_id, body=body)
        return _response(204)

    @method
    def release_concurrency_slots(
        self, names: list[str], slots: int, occupancy_seconds: float
    ) -> Steps[httpx.Response]:
        """Give back slots that were taken without a lease."""
        body = DecrementSlots(names=names, slots=slots, occupancy_seconds=occupancy_seconds)
        return _response(200, (yield self._ask(concurrency.decrement_slots, body=body)))

    @method
    def release_concurrency_slots_with_lease(self, lease_id: UUID) -> Steps[httpx.Response]:
        """Give a lease's slots back."""
        yield self._ask(concurrency.decrement_with_lease, body=DecrementWithLease(lease_id=lease_id))
        return _response(204)

    @method
    def create_global_concurrency_limit(self, concurrency_limit: GlobalConcurrencyLimitCreate) -> Steps[UUID]:
        """Make a limit; its id. Raises ObjectAlreadyExists where the name is taken."""
        body = ConcurrencyLimitV2Create(**concurrency_limit.model_dump(exclude_none=True))
        return (yield self._ask(concurrency.create_concurrency_limit_v2, body=body)).id

    @method
    def update_global_concurrency_limit(
        self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate
    ) -> Steps[httpx.Response]:
        """Change a limit. Raises ObjectNotFound, ObjectAlreadyExists."""
        body = ConcurrencyLimitV2Update(**concurrency_limit.model_dump(exclude_unset=True))
        yield self._ask(concurrency.update_concurrency_limit_v2, id_or_name=name, body=body)
        return _response(204)

    @method
    def delete_global_concurrency_limit_by_name(self, name: str) -> Steps[httpx.Response]:
        """Remove a limit. Raises ObjectNotFound."""
        yield self._ask(concurrency.delete_concurrency_limit_v2, id_or_name=name)
        return _response(204)

    @method
    def read_global_concurrency_limit_by_name(self, name: str) -> Steps[GlobalConcurrencyLimitResponse]:
        """One limit. Raises ObjectNotFound."""
        return (yield self._ask(concurrency.read_concurrency_limit_v2, id_or_name=name))

    @method
    def upsert_global_concurrency_limit_by_name(
        self, name: str, limit: int, slot_decay_per_second: float | None = None
    ) -> Steps[None]:
        """Make a limit, or change the one of that name."""
        given: dict[str, float] = {"limit": limit}
        if slot_decay_per_second is not None:
            given["slot_decay_per_second"] = slot_decay_per_second
        body = ConcurrencyLimitV2Update.model_validate(given)
        try:
            yield self._ask(concurrency.update_concurrency_limit_v2, id_or_name=name, body=body)
        except ObjectNotFound:
            new = ConcurrencyLimitV2Create.model_validate({"name": name, **given})
            yield self._ask(concurrency.create_concurrency_limit_v2, body=new)

    @method
    def read_global_concurrency_limits(
        self, limit: int = 10, offset: int = 0
    ) -> Steps[list[GlobalConcurrencyLimitResponse]]:
        """The limits, by name."""
        body = FilterLimits(limit=limit, offset=offset)
        return (yield self._ask(concurrency.read_all_concurrency_limits_v2, body=body))

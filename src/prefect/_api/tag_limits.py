"""Limits on the task runs with a tag: the named limits `tag:<tag>`, whose slots are held by task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.concurrency import LOCKED, delete, insert, minimal
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.limits import page_of
from prefect._backend import slots
from prefect._backend.slots import Full, Holder, Never
from prefect._base.clock import now_us, to_datetime
from prefect._storage import concurrency
from prefect._storage.clauses import compare
from prefect._storage.concurrency import LIMITS, LimitRecord
from prefect.model.concurrency import ConcurrencyLimit, MinimalConcurrencyLimitResponse
from prefect.model.requests.concurrency import ConcurrencyLimitCreate, FilterLimits, ResetTagLimit, TagSlot
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries

_PREFIX = "tag:"


@endpoint("POST", "/concurrency_limits/")
def create_concurrency_limit(api: Api, body: ConcurrencyLimitCreate) -> ConcurrencyLimit:
    """Limit a tag, or change its limit."""
    with api.store.write() as cx:
        known = next(iter(concurrency.lock(cx, [_PREFIX + body.tag])), None)
        if known is None:
            insert(cx, _PREFIX + body.tag, body.concurrency_limit)
            api.backend.forget_limits()
            api.created()
        else:
            LIMITS.update(cx, known.id, {"slot_limit": body.concurrency_limit, "updated": now_us()})
            slots.freed(api.store)
        return _shown(cx, [_of_tag(cx, body.tag)])[0]


@endpoint("GET", "/concurrency_limits/{id}")
def read_concurrency_limit(api: Api, id: UUID) -> ConcurrencyLimit:
    """The limit of a tag, by its id. Raises ObjectNotFound."""
    return _shown(api.store, [_by_id(api.store, id)])[0]


@endpoint("GET", "/concurrency_limits/tag/{tag}")
def read_concurrency_limit_by_tag(api: Api, tag: str) -> ConcurrencyLimit:
    """The limit of a tag. Raises ObjectNotFound."""
    return _shown(api.store, [_of_tag(api.store, tag)])[0]


@endpoint("POST", "/concurrency_limits/filter")
def read_concurrency_limits(api: Api, body: FilterLimits | None = None) -> list[ConcurrencyLimit]:
    """The limits of tags, by tag."""
    of_tags = [compare("name", "LIKE", f"{_PREFIX}%")]
    return _shown(api.store, LIMITS.find(api.store, of_tags, order="name", **page_of(body or FilterLimits())))


@endpoint("POST", "/concurrency_limits/tag/{tag}/reset")
def reset_concurrency_limit_by_tag(api: Api, tag: str, body: ResetTagLimit | None = None) -> None:
    """Free all slots; or let those task runs hold them. Raises ObjectNotFound."""
    with api.store.write() as cx:
        limit = _of_tag(cx, tag)
        concurrency.lock(cx, [limit.name])
        slots.set_taken(cx, limit, 0)
        slots.freed(api.store)
        for task_run_id in (body.slot_override if body else None) or ():
            slots.grant(cx, limit, Holder("task_run", task_run_id.bytes))


@endpoint("POST", "/concurrency_limits/increment", also=[LOCKED])
def increment_concurrency_limits_v1(api: Api, body: TagSlot) -> list[MinimalConcurrencyLimitResponse]:
    """A task run takes a slot of each of these tags, or none; of one that it holds already, no second one.

    Raises Refused with status 423 where a tag has none left.
    """
    holder = Holder("task_run", body.task_run_id.bytes)
    with api.store.write() as cx:
        limits = concurrency.lock(cx, [_PREFIX + name for name in body.names])
        wanted = [one for one in limits if concurrency.lease_of(cx, one.id, holder.type, holder.id) is None]
        for limit in wanted:
            answer = slots.take(cx, [limit.name], 1, holder=holder)
            if isinstance(answer, Full | Never):  # raised inside of the transaction: nothing is kept
                raise _refusal(limit)
    return [_minimal(limit) for limit in limits]


@endpoint("POST", "/concurrency_limits/decrement")
def decrement_concurrency_limits_v1(api: Api, body: TagSlot) -> list[MinimalConcurrencyLimitResponse]:
    """A task run gives its slots of these tags back."""
    with api.store.write() as cx:
        limits = concurrency.lock(cx, [_PREFIX + name for name in body.names])
        for limit in limits:
            lease_id = concurrency.lease_of(cx, limit.id, "task_run", body.task_run_id.bytes)
            if lease_id is not None:
                slots.give_back(cx, lease_id)
        slots.freed(api.store)
    return [_minimal(limit) for limit in limits]


@endpoint("DELETE", "/concurrency_limits/{id}")
def delete_concurrency_limit(api: Api, id: UUID) -> None:
    """Remove the limit of a tag, by its id. Raises ObjectNotFound."""
    with api.store.write() as cx:
        delete(cx, _by_id(cx, id))
        slots.freed(api.store)


@endpoint("DELETE", "/concurrency_limits/tag/{tag}")
def delete_concurrency_limit_by_tag(api: Api, tag: str) -> None:
    """Remove the limit of a tag. Raises ObjectNotFound."""
    with api.store.write() as cx:
        delete(cx, _of_tag(cx, tag))
        slots.freed(api.store)


def _refusal(limit: LimitRecord) -> Refused:
    tag = limit.name.removeprefix(_PREFIX)
    if limit.slot_limit == 0:
        text = f'The concurrency limit on tag "{tag}" is 0 and will deadlock if the task tries to run again.'
        return Refused(text, status=LOCKED)
    return Refused(
        f"Concurrency limit for the {tag} tag has been reached",
        status=LOCKED,
        retry_after=get_current_settings().server.tasks.tag_concurrency_slot_wait_seconds,
    )


def _of_tag(source: Queries, tag: str) -> LimitRecord:
    return _required(LIMITS.read(source, name=_PREFIX + tag))


def _by_id(source: Queries, id: UUID) -> LimitRecord:
    limit = LIMITS.read(source, id=id.bytes)
    return _required(limit if limit and limit.name.startswith(_PREFIX) else None)


def _required(limit: LimitRecord | None) -> LimitRecord:
    if limit is None:
        raise missing("Concurrency limit")
    return limit


def _minimal(limit: LimitRecord) -> MinimalConcurrencyLimitResponse:
    return minimal(limit._replace(name=limit.name.removeprefix(_PREFIX)))


def _shown(source: Queries, limits: list[LimitRecord]) -> list[ConcurrencyLimit]:
    held = concurrency.holders(source, [limit.id for limit in limits], now_us())
    return [
        ConcurrencyLimit(
            id=UUID(bytes=limit.id),
            created=to_datetime(limit.created),
            updated=to_datetime(limit.updated),
            tag=limit.name.removeprefix(_PREFIX),
            concurrency_limit=limit.slot_limit,
            active_slots=[UUID(bytes=holder_id) for holder_id in held.get(limit.id, ())],
        )
        for limit in limits
    ]

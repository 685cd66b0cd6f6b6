"""What the page of concurrency limits shows: of each, who holds its slots and who waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.concurrency import limits_shown, read_concurrency_limit_v2
from prefect._api.endpoint import endpoint
from prefect._api.limits import limit_of
from prefect._base.clock import now_us, to_datetime
from prefect._storage import clauses, flow_runs, limit_users, task_runs
from prefect._storage.concurrency import LIMITS
from prefect._storage.filters import Condition
from prefect.model.limit_use import FilterLimitUses, LimitUse, SlotUser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._storage.limit_users import UserRecord
    from prefect._storage.protocol import Store
    from prefect.model.concurrency import GlobalConcurrencyLimitResponse

_FIRST = 5  # shown in a list
_FIRST_OF_ONE = 100


@endpoint("POST", "/ui/concurrency_limits/filter")
def read_limit_uses(api: Api, body: FilterLimitUses | None = None) -> list[LimitUse]:
    """Limits by name, each with the first of those who hold its slots or wait for them."""
    asked = body or FilterLimitUses()
    found = LIMITS.find(
        api.store,
        [clauses.contains("name", asked.name)] if asked.name else [],
        order="name",
        limit=limit_of(asked.limit),
        offset=asked.offset,
    )
    return _shown(api.store, limits_shown(api.store, found), _FIRST)


@endpoint("GET", "/ui/concurrency_limits/{id_or_name}")
def read_limit_use(api: Api, id_or_name: str) -> LimitUse:
    """One limit with those who hold its slots or wait for them. Raises ObjectNotFound."""
    return _shown(api.store, [read_concurrency_limit_v2(api, id_or_name)], _FIRST_OF_ONE)[0]


def _shown(store: Store, limits: list[GlobalConcurrencyLimitResponse], most: int) -> list[LimitUse]:
    ids, now = [limit.id.bytes for limit in limits], now_us()
    holding = limit_users.holding(store, ids, now, most)
    waiting = limit_users.waiting(store, ids, now, most)
    names = _names(store, [*holding, *waiting])
    return [
        LimitUse(
            **limit.model_dump(),
            holders=[_user(one, names) for one in _of(holding, limit.id)],
            holding=next((one.among for one in _of(holding, limit.id)), 0),
            waiters=[_user(one, names) for one in _of(waiting, limit.id)],
            waiting=next((one.among for one in _of(waiting, limit.id)), 0),
        )
        for limit in limits
    ]


def _of(users: Iterable[UserRecord], limit: UUID) -> list[UserRecord]:
    return [one for one in users if one.limit_id == limit.bytes]


def _user(one: UserRecord, names: dict[bytes, tuple[str, bytes | None]]) -> SlotUser:
    name, run_id = names.get(one.holder_id or b"", (None, None))
    return SlotUser(
        type=one.holder_type,
        id=UUID(bytes=one.holder_id) if one.holder_id else None,
        name=name,
        flow_run_id=UUID(bytes=run_id) if run_id else None,
        slots=one.slots,
        since=to_datetime(one.since),
        until=to_datetime(one.until) if one.until is not None else None,
    )


def _names(store: Store, users: Iterable[UserRecord]) -> dict[bytes, tuple[str, bytes | None]]:
    """Of each run that holds or waits its name, and the id of the flow run that it is (a part of)."""
    ids = sorted({one.holder_id for one in users if one.holder_id})
    found: dict[bytes, tuple[str, bytes | None]] = {
        run.id: (run.name, run.flow_run_id) for run in task_runs.read_many(store, ids).values()
    }
    rest = [id for id in ids if id not in found]
    runs = flow_runs.find(store, [Condition("id", "in", rest)]) if rest else []
    found.update({run.id: (run.name, run.id) for run in runs})
    return found

"""Taking slots in turn: whoever has to wait for them stands in a line, which is rows that all processes see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prefect._backend import slots
from prefect._backend.slots import Full, Holder, Mode, Never, Taken
from prefect._base.clock import now_us
from prefect._storage import concurrency, waiters
from prefect._storage.clauses import any_of
from prefect._storage.concurrency import LIMITS
from prefect._storage.waiters import WAITERS, WaiterRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._storage.protocol import Store, Transaction

BELIEVED_US: Final = 15_000_000  # so long somebody who shows no sign of life is believed to wait


class Wish(NamedTuple):
    """What somebody waits for.

    Args:
        ticket: its place in the line goes by this id.
        names: of the limits.
        slots: so many of each.
        mode: `rate_limit` for slots that decay.
        seconds: of the lease; None where the slots are held by none.
        holder: for whom.
    """

    ticket: bytes
    names: tuple[str, ...]
    slots: int
    mode: Mode = "concurrency"
    seconds: float | None = None
    holder: Holder | None = None


class Waits(NamedTuple):
    """It stands in the line of a limit since then (microseconds UTC); `behind`: somebody else's turn is before."""

    limit_id: bytes
    since: int
    retry_after: float  # seconds
    behind: bool = False


def take_in_turn(
    cx: Transaction, wish: Wish, *, longest_wait: float, jump: bool = False
) -> Taken | Never | Waits:
    """Take what is wished for; whoever cannot have it yet stands in the line.

    Args:
        cx: the limits stay locked until it ends.
        wish: what.
        longest_wait: the most seconds that are said to be waited.
        jump: although somebody came before, who does not take what is free.
    """
    now = now_us()
    limits = [limit for limit in concurrency.lock(cx, wish.names) if limit.active]
    ids = [limit.id for limit in limits]
    if jump:
        waiters.go_before(cx, ids, wish.ticket)
    since = waiters.since(cx, wish.ticket) or now
    before = waiters.first_before(cx, ids, wish.ticket, since, now)
    if before is not None and slots.never(limits, wish.slots, wish.mode) is None:
        _stand(cx, wish, before, now, since)
        return Waits(before, since, longest_wait, behind=True)
    answer = slots.take(
        cx,
        wish.names,
        wish.slots,
        mode=wish.mode,
        seconds=wish.seconds,
        holder=wish.holder,
        longest_wait=longest_wait,
    )
    if isinstance(answer, Full):
        _stand(cx, wish, answer.limit.id, now, since)
        return Waits(answer.limit.id, since, answer.retry_after)
    leave(cx, wish.ticket)
    return answer


def leave(cx: Transaction, ticket: bytes) -> None:
    """Wait no more."""
    WAITERS.delete(cx, id=ticket)


def still_wait(cx: Transaction, wishes: Iterable[tuple[Wish, bytes, int]]) -> None:
    """Signs of life: for each wish the limit that is waited for, and since when."""
    now = now_us()
    cx.execute("DELETE FROM concurrency_waiter WHERE expires <= ?", (now,))
    for wish, limit_id, since in wishes:
        _stand(cx, wish, limit_id, now, since)


def may_be_free(store: Store, wish: Wish) -> bool:
    """Whether it is worth asking for."""
    limits = [one for one in LIMITS.find(store, [any_of("name", wish.names)]) if one.active]
    taken = concurrency.levels(store, [one.id for one in limits], now_us())
    return all(taken.get(one.id, 0.0) + wish.slots <= one.slot_limit + 1e-9 for one in limits)


def _stand(cx: Transaction, wish: Wish, limit_id: bytes, now: int, since: int) -> None:
    holder = wish.holder
    waiters.stand_in_line(
        cx,
        WaiterRecord(
            id=wish.ticket,
            limit_id=limit_id,
            slots=wish.slots,
            holder_type=holder.type if holder else None,
            holder_id=holder.id if holder else None,
            since=since,
            expires=now + BELIEVED_US,
        ),
    )

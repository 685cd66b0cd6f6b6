"""Taking slots of limits, waiting for them, and giving them back: once, for both kinds of callers.

A store of this process and a server of ours answer when the slots are there: whoever waits is in a queue, and is woken
when it is its turn. Any other server refuses at once and says after how many seconds to ask again.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._api.concurrency import LOCKED
from prefect._api.errors import Refused
from prefect._base import current
from prefect._base.clock import clock
from prefect._base.drive import Call
from prefect._base.ids import new_uuid
from prefect._base.interrupting import raise_in_thread
from prefect.client._use import Using
from prefect.concurrency._errors import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency._leases import LEASES
from prefect.concurrency.context import ConcurrencyContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.loggers import get_logger
from prefect.model.concurrency import ConcurrencyLeaseHolder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefect.client._use import AnyClient
    from prefect.model.concurrency import ConcurrencyLimitWithLeaseResponse, MinimalConcurrencyLimitResponse

    Steps = Generator[Any, Any, Any]

LONGEST_WAIT = 25.0  # seconds that one request waits: proxies cut what says nothing for a minute


class Wish(NamedTuple):
    """What is asked for; see `prefect.concurrency.sync.concurrency`."""

    names: list[str]
    slots: int
    timeout_seconds: float | None
    max_retries: int | None
    strict: bool
    lease_duration: float = 0.0  # seconds; 0 for slots that decay by themselves
    holder: ConcurrencyLeaseHolder | None = None
    ends_when_lost: bool = False


def wish_of(names: str | list[str], *rest: Any, **more: Any) -> Wish:
    """A wish for slots of limits that are named once each, by the run that this code is part of."""
    wish = Wish([names] if isinstance(names, str) else list(dict.fromkeys(names)), *rest, **more)
    return wish if wish.holder is not None else wish._replace(holder=_holder())


def _holder() -> ConcurrencyLeaseHolder | None:
    """The run whose code this is."""
    task_run, flow_run = current.task_run.get(), current.flow_run.get()
    if task_run is not None:
        return ConcurrencyLeaseHolder(type="task_run", id=UUID(bytes=task_run.id))
    if flow_run is not None:
        return ConcurrencyLeaseHolder(type="flow_run", id=UUID(bytes=flow_run.id))
    return None


class _Refusal(NamedTuple):
    """What a server or the store says instead of giving slots."""

    status: int
    detail: str
    retry_after: float | None
    error: Exception


def take(wish: Wish, client: AnyClient = None, *, warns: bool = True) -> Generator[Any, Any, UUID | None]:
    """Take slots under a lease; its id, or None where no limit of those names exists. Without a client, by a new one.

    Raises:
        AcquireConcurrencySlotTimeoutError: not in time.
        ConcurrencySlotAcquisitionError: not at all.
    """
    if not wish.names:
        return None
    answer: ConcurrencyLimitWithLeaseResponse = yield from _granted(wish, "concurrency", client)
    if warns:
        _check(wish, answer.limits)
    if answer.limits:
        return answer.lease_id
    yield from give_back(answer.lease_id, client)
    return None


def take_decaying(wish: Wish) -> Generator[Any, Any, None]:
    """Take slots that become free by themselves. Raises as `take`."""
    if wish.names:
        answer: ConcurrencyLimitWithLeaseResponse = yield from _granted(wish, "rate_limit", None)
        _check(wish, answer.limits)


def give_back(lease_id: UUID, client: AnyClient = None) -> Steps:
    """The slots are free. Where that cannot be said, they are when the lease is over."""
    try:
        try:
            yield Using(client, "release_concurrency_slots_with_lease", lease_id=lease_id)
        except Exception:
            if client is None:
                raise
            # a connection that nobody has used for long may have been closed; to give back twice is to do it once
            yield Using(None, "release_concurrency_slots_with_lease", lease_id=lease_id)
    except Exception as exc:
        get_logger("concurrency").warning(
            "Concurrency slots could not be given back; they are free when their lease is over. %s", exc
        )


class _LeaseLost(BaseException):
    """Raised in the thread whose block is to end."""


@contextmanager
def kept(lease_id: UUID | None, wish: Wish) -> Generator[None, None, None]:
    """Renew a lease while the block runs.

    Raises:
        ConcurrencySlotAcquisitionError: it was lost, and the wish is that the block ends then.
    """
    if lease_id is None:
        yield
        return
    lost: list[str] = []
    interrupt = _interrupter(lost) if wish.ends_when_lost else lost.append
    context = ConcurrencyContext.get()
    if context is not None:
        context.cleanup_lease_ids.append(lease_id)
    LEASES.keep(lease_id, wish.lease_duration, interrupt)
    try:
        yield
    except BaseException as exc:
        if lost and wish.ends_when_lost and not isinstance(exc, Exception):
            raise ConcurrencySlotAcquisitionError(lost[0]) from None
        raise
    finally:
        LEASES.drop(lease_id)
        if context is not None and lease_id in context.cleanup_lease_ids:
            context.cleanup_lease_ids.remove(lease_id)


def _interrupter(lost: list[str]) -> Callable[[str], None]:
    """What ends the block from another thread: a coroutine is cancelled, a thread raises at its next bytecode."""
    ident, task = threading.get_ident(), _current_task()

    def interrupt(text: str) -> None:
        lost.append(text)
        if task is not None:
            task.get_loop().call_soon_threadsafe(task.cancel)
        else:
            raise_in_thread(ident, _LeaseLost)

    return interrupt


def _current_task() -> Any:
    asyncio = sys.modules.get("asyncio")  # a running loop has loaded it
    try:
        return asyncio.current_task() if asyncio is not None else None
    except RuntimeError:
        return None


def take_tags(tags: list[str], task_run_id: UUID, timeout_seconds: float | None) -> Steps:
    """A task run takes a slot of each of these tags: the older form, which asks again and again."""
    if tags:
        arguments: dict[str, Any] = {"names": tags, "task_run_id": task_run_id}
        wish = Wish(tags, 1, timeout_seconds, None, False)
        yield from asked_until_granted(wish, "increment_v1_concurrency_slots", arguments)


def give_back_tags(tags: list[str], task_run_id: UUID) -> Steps:
    """A task run gives its slots of these tags back."""
    if tags:
        arguments: dict[str, Any] = {"names": tags, "task_run_id": task_run_id, "occupancy_seconds": 0.0}
        yield Using(None, "decrement_v1_concurrency_slots", **arguments)


def _granted(wish: Wish, mode: str, client: AnyClient) -> Steps:
    arguments: dict[str, Any] = {"names": wish.names, "slots": wish.slots, "mode": mode}
    arguments.update(holder=wish.holder, lease_duration=wish.lease_duration or None, ticket=new_uuid())
    waits = wish.max_retries is None
    return asked_until_granted(wish, "take_concurrency_slots", arguments, waits=waits, client=client)


def asked_until_granted(
    wish: Wish,
    method: str,
    arguments: dict[str, Any],
    *,
    waits: bool = False,
    client: AnyClient = None,
) -> Steps:
    """Ask until it is granted, for as long and as often as the wish allows.

    Args:
        wish: how long and how often.
        method: of the client.
        arguments: its arguments.
        waits: whether the method has a `patience`, for which whoever is asked may wait with the answer.
        client: asks; without one, a new one each time.
    """
    deadline = None if wish.timeout_seconds is None else time.monotonic() + wish.timeout_seconds
    refusals = 0
    while True:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise _too_late(wish)
        patience = {"patience": LONGEST_WAIT if left is None else min(LONGEST_WAIT, left)} if waits else {}
        try:
            return (yield Using(client, method, **arguments, **patience))
        except (Refused, PrefectHTTPStatusError) as exc:
            refusal = _refusal(exc)
        refusals += 1
        is_never = refusal.status != LOCKED or refusal.retry_after is None
        if is_never or (wish.max_retries is not None and refusals > wish.max_retries):
            raise _never(wish, refusal) from refusal.error
        delay = refusal.retry_after or 0.0
        if deadline is not None:
            delay = min(delay, max(0.0, deadline - time.monotonic()))
        yield Call(clock().sleep, (delay,), afn=clock().sleep_async)


def _refusal(exc: Refused | PrefectHTTPStatusError) -> _Refusal:
    if isinstance(exc, Refused):
        return _Refusal(exc.status, exc.detail, exc.retry_after, exc)
    try:
        detail = str(exc.response.json().get("detail", exc.response.text))
    except (ValueError, AttributeError):
        detail = exc.response.text
    after = exc.response.headers.get("Retry-After")
    try:
        seconds = None if after is None else float(after)
    except ValueError:  # a date
        seconds = 1.0
    return _Refusal(exc.response.status_code, detail, seconds, exc)


def _too_late(wish: Wish) -> AcquireConcurrencySlotTimeoutError:
    return AcquireConcurrencySlotTimeoutError(
        f"Attempt to acquire concurrency slots timed out after {wish.timeout_seconds} second(s)"
    )


def _never(wish: Wish, refusal: _Refusal) -> ConcurrencySlotAcquisitionError:
    return ConcurrencySlotAcquisitionError(
        f"Unable to acquire concurrency slots on {wish.names}: {refusal.status} {refusal.detail}"
    )


def _check(wish: Wish, limits: list[MinimalConcurrencyLimitResponse]) -> None:
    """Limits that do not exist let everybody pass, with a warning; where the caller is strict they are an error."""
    found = {limit.name for limit in limits}
    missing = [name for name in wish.names if name not in found]
    if missing and wish.strict and not found:
        raise ConcurrencySlotAcquisitionError(
            f"Concurrency limits {missing} must be created before acquiring slots"
        )
    if missing and not found:
        get_logger("concurrency").warning(
            "Concurrency limits %s do not exist - skipping acquisition.", missing
        )

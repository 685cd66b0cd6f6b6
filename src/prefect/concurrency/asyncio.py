"""Limits on how much runs at once, for coroutines."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prefect._base.drive import drive_async
from prefect.client.orchestration import get_client
from prefect.concurrency._errors import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency._taking import give_back, kept, take, take_decaying, wish_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from prefect.model.concurrency import ConcurrencyLeaseHolder

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencySlotAcquisitionError",
    "concurrency",
    "rate_limit",
]


@asynccontextmanager
async def concurrency(  # noqa: PLR0917 - the public signature
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: ConcurrencyLeaseHolder | None = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> AsyncGenerator[None, None]:
    """Hold slots of each of the limits while the block runs; wait for them as long as needed.

    Args:
        names: of the limits. Names without a limit are passed by, with a warning.
        occupy: how many slots of each.
        timeout_seconds: how long to wait at most; None for ever.
        max_retries: how often to ask again at most; None for ever.
        lease_duration: seconds (60 to 86,400) after which the slots are free should this process die. The lease is
            renewed in the background.
        strict: a name without a limit is an error.
        holder: for whom the slots are held; by default the run whose code this is.
        raise_on_lease_renewal_failure: end the block when the lease is lost; by default where `strict` is set.

    Raises:
        AcquireConcurrencySlotTimeoutError: a TimeoutError: the slots were not free in time.
        ConcurrencySlotAcquisitionError: they cannot be had.
    """
    wish = wish_of(names, occupy, timeout_seconds, max_retries, strict, lease_duration, holder)
    ends_when_lost = strict if raise_on_lease_renewal_failure is None else raise_on_lease_renewal_failure
    wish = wish._replace(ends_when_lost=ends_when_lost)
    async with get_client() as client:
        lease_id = await drive_async(take(wish, client))
        try:
            with kept(lease_id, wish):
                yield
        finally:
            if lease_id is not None:
                await drive_async(give_back(lease_id, client))


async def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Take slots of limits that have a decay, waiting for them as long as needed; they become free by themselves.

    Arguments and errors as of `concurrency`.
    """
    await drive_async(take_decaying(wish_of(names, occupy, timeout_seconds, None, strict)))

"""Limits on how much runs at once, for synchronous code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect._base.drive import drive
from prefect.client.orchestration import get_client
from prefect.concurrency._taking import give_back, kept, take, take_decaying, wish_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.model.concurrency import ConcurrencyLeaseHolder

__all__ = ["concurrency", "rate_limit"]


@contextmanager
def concurrency(  # noqa: PLR0917 - the public signature
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: ConcurrencyLeaseHolder | None = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> Generator[None, None, None]:
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
    with get_client(sync_client=True) as client:
        lease_id = drive(take(wish, client))
        try:
            with kept(lease_id, wish):
                yield
        finally:
            if lease_id is not None:
                drive(give_back(lease_id, client))


def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Take slots of limits that have a decay, waiting for them as long as needed; they become free by themselves.

    Arguments and errors as of `concurrency`.
    """
    drive(take_decaying(wish_of(names, occupy, timeout_seconds, None, strict)))

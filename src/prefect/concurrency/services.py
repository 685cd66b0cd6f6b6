"""Asking for slots again and again until they are there: what callers of older versions used directly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from prefect._base.drive import drive_async
from prefect.client.orchestration import get_client
from prefect.concurrency._taking import Wish, asked_until_granted

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    from prefect.model.concurrency import ConcurrencyLeaseHolder

    Mode = Literal["concurrency", "rate_limit"]


class ConcurrencySlotAcquisitionService:
    """Takes slots of the limits of these names, without a lease."""

    def __init__(self, concurrency_limit_names: frozenset[str]) -> None:
        self.concurrency_limit_names = sorted(concurrency_limit_names)

    async def acquire(
        self, slots: int, mode: Mode, timeout_seconds: float | None = None, max_retries: int | None = None
    ) -> httpx.Response:
        """The server's response, once it grants the slots. Errors as of `prefect.concurrency.asyncio.concurrency`."""
        wish = Wish(self.concurrency_limit_names, slots, timeout_seconds, max_retries, False)
        arguments: dict[str, Any] = {"names": wish.names, "slots": slots, "mode": mode}
        return await drive_async(asked_until_granted(wish, "increment_concurrency_slots", arguments))


class ConcurrencySlotAcquisitionWithLeaseService(ConcurrencySlotAcquisitionService):
    """Takes slots of the limits of these names, under a lease that the caller renews."""

    async def acquire(  # noqa: PLR0917 - the public signature
        self,
        slots: int,
        mode: Mode,
        timeout_seconds: float | None = None,
        max_retries: int | None = None,
        lease_duration: float = 300,
        strict: bool = False,
        holder: ConcurrencyLeaseHolder | None = None,
    ) -> httpx.Response:
        """As above; the response holds the `lease_id`."""
        wish = Wish(self.concurrency_limit_names, slots, timeout_seconds, max_retries, strict)
        arguments: dict[str, Any] = {"names": wish.names, "slots": slots, "mode": mode}
        arguments.update(lease_duration=lease_duration, holder=holder)
        return await drive_async(
            asked_until_granted(wish, "increment_concurrency_slots_with_lease", arguments)
        )

    def release_orphaned_lease(self, response: httpx.Response) -> asyncio.Future[None]:
        """Give back what was granted to somebody who has gone."""
        return asyncio.ensure_future(_released(response.json()["lease_id"]))


async def _released(lease_id: UUID) -> None:
    async with get_client() as client:
        await client.release_concurrency_slots_with_lease(lease_id)

"""Slots of the limits on tags, held for a task run, for coroutines."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prefect._base.drive import drive_async
from prefect.concurrency._taking import give_back_tags, take_tags

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

__all__ = ["concurrency"]


@asynccontextmanager
async def concurrency(
    names: str | list[str], task_run_id: UUID, timeout_seconds: float | None = None
) -> AsyncGenerator[None, None]:
    """Hold a slot of each of these tags for a task run while the block runs.

    Raises:
        AcquireConcurrencySlotTimeoutError: a TimeoutError: not within `timeout_seconds`.
        ConcurrencySlotAcquisitionError: a tag has no slots at all.
    """
    tags = [names] if isinstance(names, str) else names
    await drive_async(take_tags(tags, task_run_id, timeout_seconds))
    try:
        yield
    finally:
        await drive_async(give_back_tags(tags, task_run_id))

"""Slots of the limits on tags, held for a task run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect._base.drive import drive
from prefect.concurrency._taking import give_back_tags, take_tags

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID

__all__ = ["concurrency"]


@contextmanager
def concurrency(
    names: str | list[str], task_run_id: UUID, timeout_seconds: float | None = None
) -> Generator[None, None, None]:
    """Hold a slot of each of these tags for a task run while the block runs.

    Raises:
        AcquireConcurrencySlotTimeoutError: a TimeoutError: not within `timeout_seconds`.
        ConcurrencySlotAcquisitionError: a tag has no slots at all.
    """
    tags = [names] if isinstance(names, str) else names
    drive(take_tags(tags, task_run_id, timeout_seconds))
    try:
        yield
    finally:
        drive(give_back_tags(tags, task_run_id))

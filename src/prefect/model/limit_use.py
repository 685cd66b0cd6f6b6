"""A concurrency limit, who holds its slots, and who waits for them."""

from __future__ import annotations

from uuid import UUID

from prefect.model.base import DateTime, PrefectBaseModel
from prefect.model.concurrency import GlobalConcurrencyLimitResponse, SlotHolder


class SlotUser(SlotHolder):
    """Who holds slots, or waits for them. `until` is when they are free without a renewal."""

    slots: int
    until: DateTime | None = None
    flow_run_id: UUID | None = None


class LimitUse(GlobalConcurrencyLimitResponse):
    """A limit with those who hold its slots and those who wait, who came first first; of many the first ones."""

    holders: list[SlotUser]
    holding: int
    waiters: list[SlotUser]
    waiting: int


class FilterLimitUses(PrefectBaseModel):
    """Which limits: by a part of the name."""

    name: str | None = None
    offset: int = 0
    limit: int = 50

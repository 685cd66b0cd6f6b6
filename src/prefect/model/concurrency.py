"""Limits on how much runs at once."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from prefect.model.base import DateTime, Name, NamedEnum, ObjectBaseModel, PrefectBaseModel


class ConcurrencyLimitStrategy(NamedEnum):
    """What a run does when the limit is reached: wait, or end."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptions(PrefectBaseModel):
    """How a deployment's limit behaves.

    The grace period, in seconds, is the time that a submitted run may take to start.
    """

    collision_strategy: ConcurrencyLimitStrategy
    grace_period_seconds: int | None = Field(default=None, ge=60, le=86400)


class ConcurrencyLimitConfig(PrefectBaseModel):
    """A deployment's limit with its options."""

    limit: int
    collision_strategy: ConcurrencyLimitStrategy = ConcurrencyLimitStrategy.ENQUEUE
    grace_period_seconds: int | None = Field(default=None, ge=60, le=86400)


class ConcurrencyLeaseHolder(PrefectBaseModel):
    """Who holds a slot."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class ConcurrencyLimit(ObjectBaseModel):
    """How many task runs with a tag run at once (the older kind of limit)."""

    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = Field(default_factory=list[UUID])


class GlobalConcurrencyLimit(ObjectBaseModel):
    """A named limit; with a decay, in slots per second, it is a rate limit."""

    name: str
    limit: int
    active: bool | None = True
    active_slots: int | None = 0
    slot_decay_per_second: float | None = 0.0


class ConcurrencyLimitV2(ObjectBaseModel):
    """A named limit as the server keeps it."""

    active: bool = True
    name: Name
    limit: int
    active_slots: int = 0
    denied_slots: int = 0
    slot_decay_per_second: float = 0.0
    avg_slot_occupancy_seconds: float = 2.0


class GlobalConcurrencyLimitResponse(ObjectBaseModel):
    """A named limit, and how many of its slots are taken."""

    active: bool = True
    name: str
    limit: int
    active_slots: int
    slot_decay_per_second: float = 2.0


class MinimalConcurrencyLimitResponse(PrefectBaseModel):
    """A limit of which slots were taken."""

    id: UUID
    name: str
    limit: int


class SlotHolder(PrefectBaseModel):
    """Who holds slots that somebody waits for."""

    type: str | None = None
    id: UUID | None = None
    name: str | None = None
    since: DateTime


class SlotWait(PrefectBaseModel):
    """A run that waits for slots of a limit."""

    limit: str
    slots: int
    since: DateTime
    waiter: ConcurrencyLeaseHolder
    name: str
    holders: list[SlotHolder]


class ConcurrencyLimitWithLeaseResponse(PrefectBaseModel):
    """Slots were taken, under a lease that has to be renewed."""

    lease_id: UUID
    limits: list[MinimalConcurrencyLimitResponse]

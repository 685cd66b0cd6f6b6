"""Requests about concurrency limits."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from prefect.model.base import Name, PrefectBaseModel
from prefect.model.concurrency import ConcurrencyLeaseHolder
from prefect.model.requests.base import ActionBaseModel, Page

Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0)]
Mode = Literal["concurrency", "rate_limit"]


class ConcurrencyLimitCreate(ActionBaseModel):
    """A new limit on the task runs with a tag."""

    tag: Annotated[str, Field(min_length=1)]
    concurrency_limit: Count


class ConcurrencyLimitV2Create(ActionBaseModel):
    """A new named limit."""

    active: bool = True
    name: Name
    limit: Count
    active_slots: Count = 0
    denied_slots: Count = 0
    slot_decay_per_second: Rate = 0


class ConcurrencyLimitV2Update(ActionBaseModel):
    """What to change; what is not set stays."""

    active: bool | None = None
    name: Name | None = None
    limit: Count | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None
    slot_decay_per_second: Rate | None = None


class GlobalConcurrencyLimitCreate(ActionBaseModel):
    """A new named limit, as clients make it."""

    name: str
    limit: Count
    active: bool | None = True
    active_slots: Count | None = 0
    slot_decay_per_second: Rate | None = 0.0


class GlobalConcurrencyLimitUpdate(ActionBaseModel):
    """What to change of a named limit; what is not set stays."""

    name: str | None = None
    limit: Count | None = None
    active: bool | None = None
    active_slots: Count | None = None
    slot_decay_per_second: Rate | None = None


class Patient(PrefectBaseModel):
    """Who asks for slots may wait for them: in a line, for so many seconds, at a place that its ticket keeps."""

    patience: float = Field(default=0, ge=0, le=60)
    ticket: UUID | None = None


class IncrementWithLease(Patient):
    """Take slots under a lease of so many seconds."""

    slots: int = Field(gt=0)
    names: list[str] = Field(min_length=1)
    mode: Mode = "concurrency"
    lease_duration: float = Field(default=300, ge=60, le=86_400)
    holder: ConcurrencyLeaseHolder | None = None


class DecrementWithLease(PrefectBaseModel):
    """Give a lease's slots back."""

    lease_id: UUID


class RenewLease(PrefectBaseModel):
    """Hold a lease's slots for so many seconds from now."""

    lease_duration: float = Field(default=300, ge=60, le=86_400)


class IncrementSlots(Patient):
    """Take slots without a lease. Limits that do not exist are not made."""

    slots: int = Field(gt=0)
    names: list[str] = Field(min_length=1)
    mode: Mode = "concurrency"
    create_if_missing: bool | None = None


class DecrementSlots(PrefectBaseModel):
    """Give back slots that were taken without a lease."""

    slots: int = Field(gt=0)
    names: list[str] = Field(min_length=1)
    occupancy_seconds: float | None = Field(default=None, ge=0)
    create_if_missing: bool = True


class TagSlot(PrefectBaseModel):
    """A task run takes or gives back a slot of each of these tags."""

    names: list[str]
    task_run_id: UUID


class ResetTagLimit(PrefectBaseModel):
    """Who holds the slots from now on; without it, nobody."""

    slot_override: list[UUID] | None = None


class FilterLimits(Page):
    """The body of a search."""

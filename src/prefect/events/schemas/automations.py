"""Automations, and what they wait for."""

from __future__ import annotations

from uuid import UUID

from prefect.model import automations
from prefect.model.triggers import (
    CompositeTrigger,
    CompoundTrigger,
    EventTrigger,
    Posture,
    ResourceTrigger,
    SequenceTrigger,
    Trigger,
    TriggerTypes,
)

__all__ = [
    "Automation",
    "AutomationCore",
    "CompositeTrigger",
    "CompoundTrigger",
    "EventTrigger",
    "Posture",
    "ResourceTrigger",
    "SequenceTrigger",
    "Trigger",
    "TriggerTypes",
]


class AutomationCore(automations.AutomationCore):
    """What an automation waits for, what it does then, and which resource it belongs to.

    Attributes:
        owner_resource: such as `prefect.deployment.<id>`; None for an automation that stands for itself.
    """

    owner_resource: str | None = None


class Automation(AutomationCore):
    """A stored automation."""

    id: UUID

"""Automations: what they wait for, and what they do then. Stored and shown; nothing here evaluates them."""

from __future__ import annotations

from pydantic import Field

from prefect.model.automation_actions import ActionTypes
from prefect.model.base import ObjectBaseModel, PrefectBaseModel
from prefect.model.triggers import TriggerTypes


class AutomationCore(PrefectBaseModel):
    """What an automation waits for, and what it does then."""

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: TriggerTypes
    actions: list[ActionTypes]
    actions_on_trigger: list[ActionTypes] = Field(default_factory=list[ActionTypes])
    actions_on_resolve: list[ActionTypes] = Field(default_factory=list[ActionTypes])


class Automation(AutomationCore, ObjectBaseModel):
    """A stored automation."""

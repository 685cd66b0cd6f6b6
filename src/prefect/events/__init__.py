"""Events: emit them, follow them, and say what is to be done then. What runs go through is emitted for them.

Everything is imported when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.events.actions import (
        Action,
        ActionTypes,
        CallWebhook,
        CancelFlowRun,
        ChangeFlowRunState,
        DeleteFlowRun,
        DoNothing,
        PauseAutomation,
        PauseDeployment,
        PauseWorkPool,
        PauseWorkQueue,
        ResumeAutomation,
        ResumeDeployment,
        ResumeWorkPool,
        ResumeWorkQueue,
        RunDeployment,
        SendNotification,
        SuspendFlowRun,
    )
    from prefect.events.clients import get_events_subscriber
    from prefect.events.emitting import emit_event
    from prefect.events.schemas.automations import (
        Automation,
        AutomationCore,
        CompositeTrigger,
        CompoundTrigger,
        EventTrigger,
        Posture,
        ResourceTrigger,
        SequenceTrigger,
        Trigger,
        TriggerTypes,
    )
    from prefect.events.schemas.deployment_triggers import (
        DeploymentCompoundTrigger,
        DeploymentEventTrigger,
        DeploymentSequenceTrigger,
        DeploymentTriggerTypes,
    )
    from prefect.model.events import (
        Event,
        ReceivedEvent,
        RelatedResource,
        Resource,
        ResourceSpecification,
    )

__all__ = [
    "Action",
    "ActionTypes",
    "Automation",
    "AutomationCore",
    "CallWebhook",
    "CancelFlowRun",
    "ChangeFlowRunState",
    "CompositeTrigger",
    "CompoundTrigger",
    "DeleteFlowRun",
    "DeploymentCompoundTrigger",
    "DeploymentEventTrigger",
    "DeploymentSequenceTrigger",
    "DeploymentTriggerTypes",
    "DoNothing",
    "Event",
    "EventTrigger",
    "PauseAutomation",
    "PauseDeployment",
    "PauseWorkPool",
    "PauseWorkQueue",
    "Posture",
    "ReceivedEvent",
    "RelatedResource",
    "Resource",
    "ResourceSpecification",
    "ResourceTrigger",
    "ResumeAutomation",
    "ResumeDeployment",
    "ResumeWorkPool",
    "ResumeWorkQueue",
    "RunDeployment",
    "SendNotification",
    "SequenceTrigger",
    "SuspendFlowRun",
    "Trigger",
    "TriggerTypes",
    "emit_event",
    "get_events_subscriber",
]

_OF_EVENTS = {"Event", "ReceivedEvent", "RelatedResource", "Resource", "ResourceSpecification"}
_OF_AUTOMATIONS = {"Automation", "AutomationCore", "Posture", "Trigger", "TriggerTypes"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_room(name)), name)
    return value


def _room(name: str) -> str:
    if name in _OF_EVENTS:
        return "prefect.model.events"
    if name == "emit_event":
        return "prefect.events.emitting"
    if name == "get_events_subscriber":
        return "prefect.events.clients"
    if name.startswith("Deployment"):
        return "prefect.events.schemas.deployment_triggers"
    if name in _OF_AUTOMATIONS or name.endswith("Trigger"):
        return "prefect.events.schemas.automations"
    return "prefect.events.actions"

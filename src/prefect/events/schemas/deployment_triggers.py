"""Triggers that run a deployment: what `triggers=` of a deployment takes. Each becomes an automation."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, cast
from uuid import UUID

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag

from prefect.events.schemas.automations import AutomationCore
from prefect.model.automation_actions import RunDeployment
from prefect.model.triggers import (
    CompoundTrigger,
    EventTrigger,
    SequenceTrigger,
    StrictModel,
    Trigger,
    TriggerTypes,
)

__all__ = [
    "BaseDeploymentTrigger",
    "DeploymentCompoundTrigger",
    "DeploymentEventTrigger",
    "DeploymentSequenceTrigger",
    "DeploymentTriggerTypes",
]


class BaseDeploymentTrigger(StrictModel):
    """What a trigger of a deployment says besides.

    Attributes:
        name: of the automation; called after the deployment unless given.
        description: of the automation.
        enabled: whether the automation is switched on.
        parameters: of the run.
        job_variables: of the run.
        schedule_after: how long after the trigger the run is due.
    """

    _plain: ClassVar[type[Trigger]]
    _deployment_id: UUID | None = PrivateAttr(default=None)

    name: str | None = None
    description: str = ""
    enabled: bool = True
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: timedelta = Field(default=timedelta(0), ge=timedelta(0))

    def set_deployment_id(self, deployment_id: UUID) -> None:
        """Which deployment it runs."""
        self._deployment_id = deployment_id

    def owner_resource(self) -> str | None:
        """The resource of the deployment; None before that is known."""
        return None if self._deployment_id is None else f"prefect.deployment.{self._deployment_id}"

    def actions(self) -> list[RunDeployment]:
        """What the automation does: it runs the deployment. Raises ValueError before that is known."""
        if self._deployment_id is None:
            raise ValueError("Expected the id of a deployment, got none: call set_deployment_id first.")
        return [
            RunDeployment(
                deployment_id=self._deployment_id,
                parameters=self.parameters,
                job_variables=self.job_variables,
                schedule_after=self.schedule_after,
            )
        ]

    def as_automation(self) -> AutomationCore:
        """The automation that it becomes. Raises ValueError where the deployment is not known."""
        waits_for = {name: getattr(self, name) for name in self._plain.model_fields}
        return AutomationCore(
            name=self.name or f"Automation for deployment {self._deployment_id}",
            description=self.description,
            enabled=self.enabled,
            trigger=cast("TriggerTypes", self._plain(**waits_for)),
            actions=list(self.actions()),
            owner_resource=self.owner_resource(),
        )


class DeploymentEventTrigger(BaseDeploymentTrigger, EventTrigger):
    """Runs the deployment on events; see `EventTrigger`."""

    _plain = EventTrigger


class DeploymentCompoundTrigger(BaseDeploymentTrigger, CompoundTrigger):
    """Runs the deployment when some of its triggers have fired; see `CompoundTrigger`."""

    _plain = CompoundTrigger


class DeploymentSequenceTrigger(BaseDeploymentTrigger, SequenceTrigger):
    """Runs the deployment when its triggers have fired in order; see `SequenceTrigger`."""

    _plain = SequenceTrigger


def _kind_of(given: Any) -> str:
    """What a dict does not say is an event trigger."""
    if isinstance(given, dict):
        return cast("dict[str, Any]", given).get("type", "event")
    return getattr(given, "type", "event")


def _of_deployment(given: Any) -> Any:
    """A trigger of an automation may stand for one of the deployment."""
    if isinstance(given, BaseDeploymentTrigger) or not isinstance(given, Trigger):
        return given
    return {name: getattr(given, name) for name in type(given).model_fields}


DeploymentTriggerTypes = Annotated[
    Annotated[DeploymentEventTrigger, Tag("event")]
    | Annotated[DeploymentCompoundTrigger, Tag("compound")]
    | Annotated[DeploymentSequenceTrigger, Tag("sequence")],
    Discriminator(_kind_of),
    BeforeValidator(_of_deployment),
]

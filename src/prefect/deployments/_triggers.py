"""The triggers of a deployment, as automations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from prefect.events._unevaluated import warn_where_unevaluated
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient

_TRIGGERS: TypeAdapter[list[Any]] = TypeAdapter(list[DeploymentTriggerTypes])


def named(deployment: str, given: Sequence[Any]) -> list[DeploymentTriggerTypes]:
    """Triggers of a deployment, from dicts too. One without a name is called after the deployment and its place.

    Raises:
        ValidationError: pydantic's: one of them is refused.
    """
    triggers: list[DeploymentTriggerTypes] = _TRIGGERS.validate_python(list(given))
    for number, trigger in enumerate(triggers, start=1):
        trigger.name = trigger.name or f"{deployment}__automation_{number}"
    return triggers


def register_triggers(
    client: SyncPrefectClient,
    deployment: str,
    deployment_id: UUID,
    triggers: Sequence[DeploymentTriggerTypes],
) -> None:
    """Make automations that run the deployment, in place of those that it had.

    Args:
        client: of the API.
        deployment: its name.
        deployment_id: its id.
        triggers: from `named`.
    """
    client.delete_resource_owned_automations(f"prefect.deployment.{deployment_id}")
    for trigger in triggers:
        trigger.set_deployment_id(deployment_id)
        client.create_automation(trigger.as_automation())
    if triggers:
        warn_where_unevaluated(f"A trigger of the deployment {deployment!r}")

"""The triggers of a deployment in `prefect.yaml`, as automations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.model.requests.automations import AutomationCreate

if TYPE_CHECKING:
    from uuid import UUID

_OF_AUTOMATION = ("name", "description", "enabled")


def register_triggers(name: str, deployment_id: UUID, triggers: list[dict[str, Any]]) -> None:
    """Make automations that run the deployment, in place of those that it had.

    Args:
        name: of the deployment; an automation without a name is called after it.
        deployment_id: its id.
        triggers: each the fields of a trigger (`match`, `expect`, …; `type` is "event" unless given), with `name`,
            `description` and `enabled` of the automation, and `parameters` and `job_variables` of the runs.
    """
    owner = f"prefect.deployment.{deployment_id}"
    with get_client(sync_client=True) as client:
        client.delete_resource_owned_automations(owner)
        for number, given in enumerate(triggers, start=1):
            client.create_automation(_automation(name, number, deployment_id, owner, given))


def _automation(
    name: str, number: int, deployment_id: UUID, owner: str, given: dict[str, Any]
) -> AutomationCreate:
    fields = dict(given)
    own = {key: fields.pop(key) for key in _OF_AUTOMATION if key in fields}
    action = {key: fields.pop(key) for key in ("parameters", "job_variables") if key in fields}
    fields.setdefault("type", "event")
    if fields["type"] == "event":
        fields.setdefault("posture", "Reactive")
    return AutomationCreate.model_validate(
        {
            "name": f"{name}__automation_{number}",
            **own,
            "trigger": fields,
            "actions": [
                {
                    "type": "run-deployment",
                    "source": "selected",
                    "deployment_id": str(deployment_id),
                    **action,
                }
            ],
            "owner_resource": owner,
        }
    )

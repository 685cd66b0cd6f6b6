"""What automations do. Stored and shown; nothing here does it."""

from __future__ import annotations

from abc import ABC
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import Self

from prefect.model.state import StateType
from prefect.model.triggers import StrictModel


class Action(StrictModel, ABC):
    """What is done once an automation is triggered."""

    def describe_for_cli(self) -> str:
        """In a few words, for people."""
        kind: str = getattr(self, "type")  # noqa: B009 - every action declares its own
        return kind.replace("-", " ").capitalize()


class DoNothing(Action):
    """Only note that the automation was triggered."""

    type: Literal["do-nothing"] = "do-nothing"


class CancelFlowRun(Action):
    """Cancel the flow run that the event is about."""

    type: Literal["cancel-flow-run"] = "cancel-flow-run"


class DeleteFlowRun(Action):
    """Delete the flow run that the event is about."""

    type: Literal["delete-flow-run"] = "delete-flow-run"


class SuspendFlowRun(Action):
    """Suspend the flow run that the event is about."""

    type: Literal["suspend-flow-run"] = "suspend-flow-run"


class ResumeFlowRun(Action):
    """Resume the flow run that the event is about."""

    type: Literal["resume-flow-run"] = "resume-flow-run"


class ChangeFlowRunState(Action):
    """Put the flow run that the event is about into a state."""

    type: Literal["change-flow-run-state"] = "change-flow-run-state"
    name: str | None = None
    state: StateType
    message: str | None = None
    force: bool = False


class CallWebhook(Action):
    """Call a webhook block, with a payload that is a template."""

    type: Literal["call-webhook"] = "call-webhook"
    block_document_id: UUID
    payload: str = ""


class SendNotification(Action):
    """Notify by a block, with subject and body that are templates."""

    type: Literal["send-notification"] = "send-notification"
    block_document_id: UUID
    subject: str = "Prefect automated notification"
    body: str


class Selecting(Action):
    """An action on what is selected, by its id, or on what the event is about (inferred)."""

    _target: ClassVar[str]
    source: Literal["selected", "inferred"] = "selected"

    @model_validator(mode="after")
    def selected_needs_id(self) -> Self:
        """What is selected has an id; what is inferred has none."""
        given = getattr(self, self._target)
        if self.source == "selected" and given is None:
            raise ValueError(f"{self._target} is required")
        if self.source == "inferred" and given is not None:
            raise ValueError(f"{self._target} is not allowed where it is inferred")
        return self


class DeploymentAction(Selecting):
    """An action on a deployment."""

    _target = "deployment_id"
    deployment_id: UUID | None = None


class RunDeployment(DeploymentAction):
    """Create a run of a deployment."""

    type: Literal["run-deployment"] = "run-deployment"
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: timedelta = Field(default=timedelta(0), ge=timedelta(0))


class PauseDeployment(DeploymentAction):
    """Pause a deployment."""

    type: Literal["pause-deployment"] = "pause-deployment"


class ResumeDeployment(DeploymentAction):
    """Resume a deployment."""

    type: Literal["resume-deployment"] = "resume-deployment"


class WorkPoolAction(Selecting):
    """An action on a work pool."""

    _target = "work_pool_id"
    work_pool_id: UUID | None = None


class PauseWorkPool(WorkPoolAction):
    """Pause a work pool."""

    type: Literal["pause-work-pool"] = "pause-work-pool"


class ResumeWorkPool(WorkPoolAction):
    """Resume a work pool."""

    type: Literal["resume-work-pool"] = "resume-work-pool"


class WorkQueueAction(Selecting):
    """An action on a work queue."""

    _target = "work_queue_id"
    work_queue_id: UUID | None = None


class PauseWorkQueue(WorkQueueAction):
    """Pause a work queue."""

    type: Literal["pause-work-queue"] = "pause-work-queue"


class ResumeWorkQueue(WorkQueueAction):
    """Resume a work queue."""

    type: Literal["resume-work-queue"] = "resume-work-queue"


class AutomationAction(Selecting):
    """An action on an automation."""

    _target = "automation_id"
    automation_id: UUID | None = None


class PauseAutomation(AutomationAction):
    """Switch an automation off."""

    type: Literal["pause-automation"] = "pause-automation"


class ResumeAutomation(AutomationAction):
    """Switch an automation on."""

    type: Literal["resume-automation"] = "resume-automation"


ActionTypes = Annotated[
    DoNothing
    | RunDeployment
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | SuspendFlowRun
    | ResumeFlowRun
    | ChangeFlowRunState
    | CallWebhook
    | SendNotification
    | PauseWorkPool
    | ResumeWorkPool
    | PauseWorkQueue
    | ResumeWorkQueue
    | PauseAutomation
    | ResumeAutomation,
    Field(discriminator="type"),
]

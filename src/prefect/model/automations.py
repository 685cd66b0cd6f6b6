"""Automations: what they wait for, and what they do then. Stored and shown; nothing here evaluates them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from prefect._base.ids import new_uuid
from prefect.model.base import NamedEnum, ObjectBaseModel, PrefectBaseModel
from prefect.model.state import StateType

SHORTEST_PROACTIVE = 10.0  # seconds


class StrictModel(PrefectBaseModel):
    """A misspelled field would change what an automation does, so it is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Posture(NamedEnum):
    """Whether a trigger fires when events come, or when they do not."""

    Reactive = "Reactive"
    Proactive = "Proactive"
    Metric = "Metric"


Labels = dict[str, str | list[str]]  # of resources: values, with `*` for any ending and `!` for none of them


class EventTrigger(StrictModel):
    """So many events within a time; or, proactively, fewer than that."""

    type: Literal["event"] = "event"
    id: UUID = Field(default_factory=new_uuid)
    match: Labels = Field(default_factory=dict)
    match_related: Labels | list[Labels] = Field(default_factory=dict)
    after: set[str] = Field(default_factory=set)
    expect: set[str] = Field(default_factory=set)
    for_each: set[str] = Field(default_factory=set)
    posture: Literal[Posture.Reactive, Posture.Proactive] = Posture.Reactive
    threshold: int = 1
    within: timedelta = Field(default=timedelta(0), ge=timedelta(0))

    @model_validator(mode="after")
    def enforce_minimum_within_for_proactive_triggers(self) -> Self:
        """What has not happened is known after some seconds at the earliest: 10, unless more are given."""
        if self.posture is Posture.Proactive:
            shortest = timedelta(seconds=SHORTEST_PROACTIVE)
            if not self.within:
                self.within = shortest
            elif self.within < shortest:
                raise ValueError(
                    "`within` for Proactive triggers must be greater than or equal to "
                    f"{SHORTEST_PROACTIVE:.0f} seconds"
                )
        return self


class CompoundTrigger(StrictModel):
    """Some of its triggers: any, all, or so many of them."""

    type: Literal["compound"] = "compound"
    id: UUID = Field(default_factory=new_uuid)
    triggers: list[Trigger]
    within: timedelta | None = None
    require: int | Literal["any", "all"]

    @model_validator(mode="after")
    def validate_require(self) -> Self:
        """No fewer than one of them, no more than there are."""
        if isinstance(self.require, int) and not 1 <= self.require <= len(self.triggers):
            raise ValueError(
                f"expected `require` to be from 1 to the number of triggers ({len(self.triggers)}), "
                f"got {self.require}"
            )
        return self


class SequenceTrigger(StrictModel):
    """All of its triggers, in their order."""

    type: Literal["sequence"] = "sequence"
    id: UUID = Field(default_factory=new_uuid)
    triggers: list[Trigger]
    within: timedelta | None = None


Trigger = Annotated[EventTrigger | CompoundTrigger | SequenceTrigger, Field(discriminator="type")]


class DoNothing(StrictModel):
    """Only note that the automation was triggered."""

    type: Literal["do-nothing"] = "do-nothing"


class CancelFlowRun(StrictModel):
    """Cancel the flow run that the event is about."""

    type: Literal["cancel-flow-run"] = "cancel-flow-run"


class DeleteFlowRun(StrictModel):
    """Delete the flow run that the event is about."""

    type: Literal["delete-flow-run"] = "delete-flow-run"


class SuspendFlowRun(StrictModel):
    """Suspend the flow run that the event is about."""

    type: Literal["suspend-flow-run"] = "suspend-flow-run"


class ResumeFlowRun(StrictModel):
    """Resume the flow run that the event is about."""

    type: Literal["resume-flow-run"] = "resume-flow-run"


class ChangeFlowRunState(StrictModel):
    """Put the flow run that the event is about into a state."""

    type: Literal["change-flow-run-state"] = "change-flow-run-state"
    name: str | None = None
    state: StateType
    message: str | None = None
    force: bool = False


class CallWebhook(StrictModel):
    """Call a webhook block, with a payload that is a template."""

    type: Literal["call-webhook"] = "call-webhook"
    block_document_id: UUID
    payload: str = ""


class SendNotification(StrictModel):
    """Notify by a block, with subject and body that are templates."""

    type: Literal["send-notification"] = "send-notification"
    block_document_id: UUID
    subject: str = "Prefect automated notification"
    body: str


class Selecting(StrictModel):
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


Action = Annotated[
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


class AutomationCore(PrefectBaseModel):
    """What an automation waits for, and what it does then."""

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: Trigger
    actions: list[Action]
    actions_on_trigger: list[Action] = Field(default_factory=list[Action])
    actions_on_resolve: list[Action] = Field(default_factory=list[Action])


class Automation(AutomationCore, ObjectBaseModel):
    """A stored automation."""

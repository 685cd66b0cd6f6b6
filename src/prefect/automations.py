"""Automations: what is to be done when something happens, or does not. They are kept, and not evaluated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from typing_extensions import Self

from prefect._base.drive import drive_async
from prefect.client._use import Using, either
from prefect.events._unevaluated import warn_where_unevaluated
from prefect.events.actions import (
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
from prefect.events.schemas.automations import (
    AutomationCore,
    CompositeTrigger,
    CompoundTrigger,
    EventTrigger,
    Posture,
    ResourceTrigger,
    SequenceTrigger,
    Trigger,
)
from prefect.exceptions import ObjectNotFound
from prefect.model.events import ResourceSpecification

if TYPE_CHECKING:
    from collections.abc import Generator

    Steps = Generator[Any, Any, Any]

__all__ = [
    "Automation",
    "AutomationCore",
    "CallWebhook",
    "CancelFlowRun",
    "ChangeFlowRunState",
    "CompositeTrigger",
    "CompoundTrigger",
    "DeleteFlowRun",
    "DoNothing",
    "EventTrigger",
    "PauseAutomation",
    "PauseDeployment",
    "PauseWorkPool",
    "PauseWorkQueue",
    "Posture",
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
]


class Automation(AutomationCore):
    """An automation; `create` stores it.

    Under a running event loop the methods give awaitables, unless a sync flow or task calls them; `acreate`,
    `aread`, `aupdate`, `adelete`, `aenable` and `adisable` always do.

    Attributes:
        id: once it is stored.
    """

    id: UUID | None = None

    def create(self) -> Self:
        """Store it. A warning is logged where nothing evaluates it."""
        return either(self._create())

    async def acreate(self) -> Self:
        """The async form of `create`."""
        return await drive_async(self._create())

    @classmethod
    def read(cls, id: UUID | str | None = None, name: str | None = None) -> Self:
        """The stored automation of an id, or of a name.

        Raises:
            ValueError: neither or both are given; or there is none.
        """
        return either(cls._read(id, name))

    @classmethod
    async def aread(cls, id: UUID | str | None = None, name: str | None = None) -> Self:
        """The async form of `read`."""
        return await drive_async(cls._read(id, name))

    def update(self) -> None:
        """Store it in place of what is stored. Raises ValueError for one that is not; ObjectNotFound: it is gone."""
        return either(self._update())

    async def aupdate(self) -> None:
        """The async form of `update`."""
        await drive_async(self._update())

    def delete(self) -> bool:
        """Remove it; False where it is gone already. Raises ValueError for one that is not stored."""
        return either(self._gone_or("delete_automation"))

    async def adelete(self) -> bool:
        """The async form of `delete`."""
        return await drive_async(self._gone_or("delete_automation"))

    def disable(self) -> bool:
        """Switch it off; False where it is gone. Raises ValueError for one that is not stored."""
        return either(self._gone_or("pause_automation", enabled=False))

    async def adisable(self) -> bool:
        """The async form of `disable`."""
        return await drive_async(self._gone_or("pause_automation", enabled=False))

    def enable(self) -> bool:
        """Switch it on; False where it is gone. Raises ValueError for one that is not stored."""
        return either(self._gone_or("resume_automation", enabled=True))

    async def aenable(self) -> bool:
        """The async form of `enable`."""
        return await drive_async(self._gone_or("resume_automation", enabled=True))

    def _create(self) -> Steps:
        self.id = yield Using(None, "create_automation", automation=self)
        warn_where_unevaluated(f"The automation {self.name!r}")
        return self

    @classmethod
    def _read(cls, id: UUID | str | None, name: str | None) -> Steps:
        if (id is None) is (name is None):
            raise ValueError("Expected one of id and name, got both of them or none.")
        if id is not None:
            found = yield Using(None, "read_automation", automation_id=id)
        else:
            named = yield Using(None, "read_automations_by_name", name=name)
            found = named[0] if named else None
        if found is None:
            raise ValueError(f"Automation with {'id' if name is None else 'name'} {name or id!r} not found")
        return cls.model_validate(found.model_dump())

    def _update(self) -> Steps:
        yield Using(None, "update_automation", automation_id=self._stored(), automation=self)

    def _gone_or(self, method: str, **changes: Any) -> Steps:
        try:
            yield Using(None, method, automation_id=self._stored())
        except ObjectNotFound:
            return False
        for field, value in changes.items():
            setattr(self, field, value)
        return True

    def _stored(self) -> UUID:
        if self.id is None:
            raise ValueError(
                f"Expected a stored automation, got {self.name!r} without an id: create it first."
            )
        return self.id

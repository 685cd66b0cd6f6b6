"""Automations."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api import automations as api
from prefect.client._method import Caller, method
from prefect.exceptions import ObjectNotFound
from prefect.model.automations import AutomationCore
from prefect.model.requests.automations import (
    AutomationCreate,
    AutomationFilter,
    AutomationFilterName,
    AutomationPartialUpdate,
    AutomationSort,
    AutomationUpdate,
    FilterAutomations,
)

if TYPE_CHECKING:
    from prefect.client._method import Steps
    from prefect.model.automations import Automation

_CORE = set(AutomationCore.model_fields)


class AutomationMethods(Caller):
    """What both clients ask about automations."""

    @method
    def create_automation(self, automation: AutomationCore) -> Steps[UUID]:
        """Keep an automation; its id."""
        fields = automation.model_dump(mode="json", include=_CORE | {"owner_resource"})
        return (yield self._ask(api.create_automation, body=AutomationCreate.model_validate(fields))).id

    @method
    def update_automation(self, automation_id: UUID, automation: AutomationCore) -> Steps[None]:
        """Put an automation in place of the one there is. Raises ObjectNotFound."""
        fields = automation.model_dump(mode="json", include=_CORE)
        yield self._ask(api.update_automation, id=automation_id, body=AutomationUpdate.model_validate(fields))

    @method
    def read_automations(
        self,
        *,
        automations: AutomationFilter | None = None,
        sort: AutomationSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[Automation]]:
        """The automations that pass the filter, by name unless told otherwise."""
        body = FilterAutomations(
            automations=automations, sort=sort or AutomationSort.NAME_ASC, limit=limit, offset=offset
        )
        return (yield self._ask(api.read_automations, body=body))

    @method
    def read_automation(self, automation_id: UUID | str) -> Steps[Automation | None]:
        """One automation, or None."""
        try:
            return (yield self._ask(api.read_automation, id=UUID(str(automation_id))))
        except ObjectNotFound:
            return None

    @method
    def read_automations_by_name(self, name: str) -> Steps[list[Automation]]:
        """The automations of that name."""
        return (yield self._ask(api.read_automations, body=_named(name)))

    @method
    def find_automation(self, id_or_name: str | UUID) -> Steps[Automation | None]:
        """The automation of that id or name (of several, the first; in whatever case), or None."""
        try:
            return (yield self._ask(api.read_automation, id=UUID(str(id_or_name))))
        except (ValueError, ObjectNotFound):
            pass
        name = str(id_or_name)
        found = yield self._ask(api.read_automations, body=_named(name))
        if not found:
            every = yield self._ask(api.read_automations, body=FilterAutomations())
            found = [one for one in every if one.name.lower() == name.lower()]
        return found[0] if found else None

    @method
    def pause_automation(self, automation_id: UUID) -> Steps[None]:
        """Switch an automation off. Raises ObjectNotFound."""
        body = AutomationPartialUpdate(enabled=False)
        yield self._ask(api.patch_automation, id=automation_id, body=body)

    @method
    def resume_automation(self, automation_id: UUID) -> Steps[None]:
        """Switch an automation on. Raises ObjectNotFound."""
        body = AutomationPartialUpdate(enabled=True)
        yield self._ask(api.patch_automation, id=automation_id, body=body)

    @method
    def delete_automation(self, automation_id: UUID) -> Steps[None]:
        """Remove an automation. Raises ObjectNotFound."""
        yield self._ask(api.delete_automation, id=automation_id)

    @method
    def read_resource_related_automations(self, resource_id: str) -> Steps[list[Automation]]:
        """The automations that are about a resource."""
        return (yield self._ask(api.read_automations_related_to_resource, resource_id=resource_id))

    @method
    def delete_resource_owned_automations(self, resource_id: str) -> Steps[None]:
        """Remove the automations that belong to a resource."""
        yield self._ask(api.delete_automations_owned_by_resource, resource_id=resource_id)


def _named(name: str) -> FilterAutomations:
    return FilterAutomations(automations=AutomationFilter(name=AutomationFilterName(any_=[name])))

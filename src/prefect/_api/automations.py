"""Automations: kept and shown. Their triggers are not evaluated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.filtering import parts
from prefect._api.limits import page_of
from prefect._base.clock import now_us, to_us
from prefect._base.ids import new_id
from prefect._storage import clauses
from prefect._storage.automations import AUTOMATIONS, AutomationRecord
from prefect._storage.clauses import Clause
from prefect.model.automations import Automation, AutomationCore
from prefect.model.requests.automations import (
    AutomationCreate,
    AutomationFilter,
    AutomationFilterTags,
    AutomationPartialUpdate,
    AutomationUpdate,
    CountAutomations,
    FilterAutomations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORDERS = {
    "CREATED_DESC": "id DESC",  # ids grow with time
    "UPDATED_DESC": "updated DESC, id DESC",
    "NAME_ASC": "name, id",
    "NAME_DESC": "name DESC, id DESC",
}
# an action's field, and the kind of resource whose id stands in it
_RESOURCES = {
    "deployment_id": "prefect.deployment",
    "block_document_id": "prefect.block-document",
    "work_pool_id": "prefect.work-pool",
    "work_queue_id": "prefect.work-queue",
    "automation_id": "prefect.automation",
}


@endpoint("POST", "/automations/", status=201)
def create_automation(api: Api, body: AutomationCreate) -> Automation:
    """Keep an automation."""
    now = now_us()
    record = AutomationRecord(
        id=new_id(),
        **_stored(body, body.owner_resource),
        owner_resource=body.owner_resource,
        created=now,
        updated=now,
    )
    with api.store.write() as cx:
        AUTOMATIONS.insert(cx, record)
    return _shown(record)


@endpoint("GET", "/automations/{id}")
def read_automation(api: Api, id: UUID) -> Automation:
    """One automation. Raises ObjectNotFound."""
    record = AUTOMATIONS.read(api.store, id=id.bytes)
    if record is None:
        raise missing("Automation")
    return _shown(record)


@endpoint("POST", "/automations/filter")
def read_automations(api: Api, body: FilterAutomations | None = None) -> list[Automation]:
    """The automations that pass the filter."""
    asked = body or FilterAutomations()
    where = parts.part(asked.automations, _compiled)
    return [
        _shown(one)
        for one in AUTOMATIONS.find(api.store, where, order=_ORDERS[asked.sort.value], **page_of(asked))
    ]


@endpoint("POST", "/automations/count")
def count_automations(api: Api, body: CountAutomations | None = None) -> int:
    """How many automations pass the filter."""
    return AUTOMATIONS.count(api.store, parts.part(body.automations if body else None, _compiled))


@endpoint("PUT", "/automations/{id}", status=204)
def update_automation(api: Api, id: UUID, body: AutomationUpdate) -> None:
    """Put an automation in place of the one there is. Raises ObjectNotFound."""
    with api.store.write() as cx:
        known = AUTOMATIONS.read(cx, id=id.bytes)
        if known is None:
            raise missing("Automation")
        AUTOMATIONS.update(cx, id.bytes, {**_stored(body, known.owner_resource), "updated": now_us()})


@endpoint("PATCH", "/automations/{id}", status=204)
def patch_automation(api: Api, id: UUID, body: AutomationPartialUpdate) -> None:
    """Switch an automation on or off. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not AUTOMATIONS.update(cx, id.bytes, {"enabled": int(body.enabled), "updated": now_us()}):
            raise missing("Automation")


@endpoint("DELETE", "/automations/{id}", status=204)
def delete_automation(api: Api, id: UUID) -> None:
    """Remove an automation. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not AUTOMATIONS.delete(cx, id=id.bytes):
            raise missing("Automation")


@endpoint("GET", "/automations/related-to/{resource_id}")
def read_automations_related_to_resource(api: Api, resource_id: str) -> list[Automation]:
    """The automations that are about a resource: they match it, act on it, or belong to it."""
    about = AUTOMATIONS.find(api.store, [clauses.has("related", resource_id)], order="name, id")
    return [_shown(one) for one in about]


@endpoint("DELETE", "/automations/owned-by/{resource_id}", status=202)
def delete_automations_owned_by_resource(api: Api, resource_id: str) -> None:
    """Remove the automations that belong to a resource, such as a deployment."""
    with api.store.write() as cx:
        AUTOMATIONS.delete(cx, owner_resource=resource_id)


def _compiled(asked: AutomationFilter) -> Clause:
    found: list[Clause] = []
    if asked.id is not None:
        found += parts.ids("id", asked.id)
    if asked.name is not None:
        found += parts.names("name", asked.name)
    if asked.created is not None and asked.created.before_ is not None:
        found.append(clauses.compare("created", "<=", to_us(asked.created.before_)))
    if asked.tags is not None:
        found.append(_tagged(asked.tags))
    return clauses.joined(asked.operator.value, found)


def _tagged(asked: AutomationFilterTags) -> Clause:
    found = [clauses.tags("tags", asked.operator.value, asked.all_, asked.is_null_)]
    if asked.any_ is not None:
        found.append(clauses.has("tags", *asked.any_) if asked.any_ else clauses.NOTHING)
    return clauses.joined(asked.operator.value, found)


def _stored(body: AutomationCore, owner: str | None) -> dict[str, Any]:
    fields = body.model_dump(mode="json", include=set(AutomationCore.model_fields))
    trigger: dict[str, Any] = fields.pop("trigger")
    actions = [
        one for name in ("actions", "actions_on_trigger", "actions_on_resolve") for one in fields[name]
    ]
    related = {*_matched(trigger), *_acted_on(actions), *([owner] if owner else [])}
    return {
        **fields,
        "enabled": int(body.enabled),
        "trigger_": trigger,
        "related": sorted(related),
    }


def _matched(trigger: dict[str, Any]) -> Iterator[str]:
    """The resources that a trigger names, and not by a pattern."""
    for inner in cast("list[dict[str, Any]]", trigger.get("triggers", [])):
        yield from _matched(inner)
    for labels in (*_specifications(trigger.get("match")), *_specifications(trigger.get("match_related"))):
        named = labels.get("prefect.resource.id", [])
        for one in [named] if isinstance(named, str) else named:
            if not one.startswith("!") and not one.endswith("*"):
                yield one


def _specifications(match: Any) -> list[dict[str, str | list[str]]]:
    """One specification of labels, or several, as a list of them."""
    return cast("list[Any]", match) if isinstance(match, list) else [match or {}]


def _acted_on(actions: list[dict[str, Any]]) -> Iterator[str]:
    for action in actions:
        for field, kind in _RESOURCES.items():
            if action.get(field) is not None:
                yield f"{kind}.{action[field]}"


def _shown(record: AutomationRecord) -> Automation:
    return Automation.model_validate({**AUTOMATIONS.shown(record), "trigger": record.trigger_})

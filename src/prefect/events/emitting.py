"""Emitting events: into the store of this process, or to a server without waiting for it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.events import record_events
from prefect._backend.resolve import local_backend
from prefect.context import EngineContext, TaskRunContext
from prefect.events._sender import sender
from prefect.exceptions import StoreError
from prefect.model.events import Event, RelatedResource
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_SOON = timedelta(minutes=5)
_log = logging.getLogger("prefect.events")


def emit_event(  # noqa: PLR0917 - the signature of the API
    event: str,
    resource: dict[str, str],
    occurred: datetime | None = None,
    related: list[dict[str, str]] | list[RelatedResource] | None = None,
    payload: dict[str, Any] | None = None,
    id: UUID | None = None,
    follows: Event | None = None,
    **kwargs: Any,
) -> Event:
    """Say that something has happened. Within a run, the run is related to it.

    Args:
        event: what, a dotted name.
        resource: to what: labels, `prefect.resource.id` among them.
        occurred: when; now, if not given.
        related: other resources, each with its `prefect.resource.role`.
        payload: whatever else is known; JSON.
        id: of the event; a new one, if not given.
        follows: an event that happened before it, at most five minutes earlier.
        kwargs: further fields of `Event`.

    Returns:
        The event. It is recorded already, or on its way to the server; where neither can be, a warning is logged.

    Raises:
        ValidationError: it is no event: a label or role is missing.
    """
    given = {"occurred": occurred, "payload": payload, "id": id}
    made = Event.model_validate(
        {
            "event": event,
            "resource": resource,
            "related": [*_labels_of(related or ()), *_of_runs(resource)],
            **{name: value for name, value in given.items() if value is not None},
            **kwargs,
        }
    )
    if follows is not None and abs(made.occurred - follows.occurred) < _SOON:
        made.follows = follows.id
    if get_current_settings().api.url:
        sender().put(made)
        return made
    try:
        record_events(local_backend(), [made.model_dump(mode="json")])
    except StoreError as exc:
        _log.warning("The event %s was not recorded: %s", made.event, exc)
    return made


def _labels_of(related: Sequence[dict[str, str] | RelatedResource]) -> list[Mapping[str, str]]:
    return [one.root if isinstance(one, RelatedResource) else one for one in related]


def _of_runs(resource: Mapping[str, str]) -> list[dict[str, str]]:
    """The runs in whose context this is called, but for the one that the event is about."""
    found: list[dict[str, str]] = []
    context = EngineContext.get()
    tags: set[str] = set()
    if context is not None:
        run = context.record
        found.append(_related("flow-run", run.id, run.name))
        found.append(_related("flow", run.flow_id, run.flow_name))
        if run.deployment_id is not None:
            found.append(_related("deployment", run.deployment_id))
        tags |= set(run.tags)
    task_context = TaskRunContext.get()
    if task_context is not None:
        found.append(_related("task-run", task_context.record.id, task_context.record.name))
    found += [
        {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in sorted(tags)
    ]
    return [one for one in found if one["prefect.resource.id"] != resource.get("prefect.resource.id")]


def _related(kind: str, id: bytes, name: str | None = None) -> dict[str, str]:
    labels = {"prefect.resource.id": f"prefect.{kind}.{UUID(bytes=id)}", "prefect.resource.role": kind}
    return labels | ({"prefect.resource.name": name} if name is not None else {})

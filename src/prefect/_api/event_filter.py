"""A filter of events as conditions on the two tables that events are read from.

Conditions find all that pass the filter, and here and there some more (labels and words are looked at in the event
itself): `Where.exact` says whether they are the filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from prefect._base.clock import to_us
from prefect._storage import clauses
from prefect._storage.clauses import NOTHING, Clause
from prefect.model.requests.events import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventRelatedFilter,
    EventResourceFilter,
    listed,
)

_FLOW_RUN = "prefect.flow-run."
_RESOURCES = "SELECT event_id FROM event_resource WHERE "


class Where(NamedTuple):
    """Conditions, and whether they are all that the filter asks."""

    clauses: list[Clause]
    exact: bool


def of_events(asked: EventFilter) -> Where:
    """For the table of emitted events."""
    times = _times(asked, "occurred")
    found = [*times, *_names(asked.event, "name"), *_ids(asked, "id")]
    if asked.resource is not None:
        found += _texts("resource_id", asked.resource.id, asked.resource.id_prefix)
    for part in _any_of(asked):
        if part.id or part.id_prefix:
            found.append(_with_resource([*times, *_texts("resource_id", part.id, part.id_prefix)]))
    for part in _related_of(asked):
        wanted = [*_texts("resource_id", part.id, None), *_texts("role", part.role, None)]
        if part.resources_in_roles:
            wanted.append(clauses.any_of("resource_id", [id for id, _ in part.resources_in_roles]))
        if wanted:
            found.append(_with_resource([*times, clauses.compare("role", "<>", ""), *wanted]))
    return Where(found, not _has_more(asked))


def of_flow_run_states(asked: EventFilter) -> Where:
    """For the states of flow runs (`s`), the runs (`r`) and their flows."""
    found = [*_times(asked, "s.timestamp"), *_names(asked.event, f"('{_FLOW_RUN}' || s.name)")]
    found += _ids(asked, "s.id")
    exact = not _has_more(asked)
    if asked.resource is not None:
        found += _flow_runs(asked.resource)
        exact = exact and not asked.resource.id_prefix
    for part in _any_of(asked):
        if part.id:
            found.append(clauses.joined("or_", [_run_or_related(id) for id in part.id]))
        exact = exact and not part.id_prefix
    for part in _related_of(asked):
        if part.id:
            found.append(clauses.joined("or_", [_related(id) for id in part.id]))
        exact = exact and not (part.role or part.resources_in_roles)
    return Where(found, exact)


def task_runs_named(asked: EventFilter) -> list[bytes]:
    """The task runs that the filter asks for by their ids."""
    parts = [*([asked.resource] if asked.resource else []), *_any_of(asked)]
    named = (_object_in(id, "prefect.task-run.") for part in parts for id in part.id or ())
    return sorted({id for id in named if id is not None})


def _has_more(asked: EventFilter) -> bool:
    """Whether something is asked that only the events themselves tell."""
    parts = [*([asked.resource] if asked.resource else []), *_any_of(asked), *_related_of(asked)]
    several = (part.resources_in_roles is not None for part in _related_of(asked))
    return asked.text is not None or any(several) or any(part.labels is not None for part in parts)


def _any_of(asked: EventFilter) -> list[EventAnyResourceFilter]:
    return [part for part in listed(asked.any_resource) if isinstance(part, EventAnyResourceFilter)]


def _related_of(asked: EventFilter) -> list[EventRelatedFilter]:
    return [part for part in listed(asked.related) if isinstance(part, EventRelatedFilter)]


def _times(asked: EventFilter, column: str) -> list[Clause]:
    bounds = ((">=", asked.occurred.since), ("<=", asked.occurred.until))
    return [clauses.compare(column, operator, to_us(moment)) for operator, moment in bounds]


def _ids(asked: EventFilter, column: str) -> list[Clause]:
    return [clauses.any_of(column, [id.bytes for id in asked.id.id])] if asked.id.id else []


def _names(asked: EventNameFilter | None, column: str) -> list[Clause]:
    if asked is None:
        return []
    found = _texts(column, asked.name, asked.prefix, together="or_")
    if asked.exclude_name:
        found.append(clauses.none_of(column, asked.exclude_name))
    found += [
        Clause(f"NOT {clauses.begins_with(column, one).sql}", (one,)) for one in asked.exclude_prefix or ()
    ]
    return found


def _texts(
    column: str, equal: Sequence[str] | None, prefixes: Sequence[str] | None, together: str = "and_"
) -> list[Clause]:
    found = [clauses.any_of(column, equal)] if equal else []
    if prefixes:
        found.append(clauses.joined("or_", [clauses.begins_with(column, one) for one in prefixes]))
    return [clauses.joined(together, found)] if found else []


def _with_resource(wanted: Sequence[Clause]) -> Clause:
    both = clauses.joined("and_", wanted)
    return Clause(f"id IN ({_RESOURCES}{both.sql})", both.values)


def _flow_runs(asked: EventResourceFilter) -> list[Clause]:
    found: list[Clause] = []
    if asked.id:
        ids = [run_id for id in asked.id if (run_id := _object_in(id, _FLOW_RUN)) is not None]
        found.append(clauses.any_of("s.flow_run_id", ids))
    if asked.id_prefix and not any(_overlap(one, _FLOW_RUN) for one in asked.id_prefix):
        found.append(NOTHING)
    return found


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _run_or_related(resource_id: str) -> Clause:
    run_id = _object_in(resource_id, _FLOW_RUN)
    return clauses.compare("s.flow_run_id", "=", run_id) if run_id is not None else _related(resource_id)


_RELATED: tuple[tuple[str, str], ...] = (
    ("prefect.flow.", "r.flow_id"),
    ("prefect.deployment.", "r.deployment_id"),
)


def _related(resource_id: str) -> Clause:
    for prefix, column in _RELATED:
        found = _object_in(resource_id, prefix)
        if found is not None:
            return clauses.compare(column, "=", found)
    if resource_id.startswith("prefect.tag."):
        return clauses.has("r.tags", resource_id.removeprefix("prefect.tag."))
    return NOTHING


def _object_in(resource_id: str, prefix: str) -> bytes | None:
    if not resource_id.startswith(prefix):
        return None
    try:
        return UUID(resource_id[len(prefix) :]).bytes
    except ValueError:
        return None

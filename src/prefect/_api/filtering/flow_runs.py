"""The condition that a filter of flow runs stands for.

Where a column has an index, a condition on it is written so that the index is used only if that finds little:
nearly all runs are Completed, and to find 200 of those it is best to walk along the order that is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.filtering.parts import ids, names, null, part, times
from prefect._storage import clauses
from prefect._storage.clauses import Clause, joined
from prefect._storage.run_lists import STARTS
from prefect.model.state import StateType

if TYPE_CHECKING:
    from collections.abc import Collection

    from prefect.model.requests.flow_runs import (
        FlowRunFilter,
        FlowRunFilterCreatedBy,
        FlowRunFilterDeploymentId,
        FlowRunFilterIdempotencyKey,
        FlowRunFilterParentTaskRunId,
        FlowRunFilterState,
        FlowRunFilterStateName,
        FlowRunFilterStateType,
        FlowRunFilterTags,
        FlowRunFilterWorkQueueName,
    )

_TYPES = frozenset(one.value for one in StateType)


def flow_run(asked: FlowRunFilter) -> Clause:
    """Which flow runs, as `r`."""
    found = part(asked.id, lambda one: joined("and_", ids("r.id", one)))
    found += part(asked.name, lambda one: joined("and_", names("r.name", one)))
    found += part(asked.tags, _tags)
    found += part(asked.deployment_id, lambda one: _ids_or_none("r.deployment_id", one))
    found += part(asked.work_queue_name, _work_queue)
    found += part(asked.state, _state)
    found += part(asked.flow_version, lambda one: joined("and_", names("r.flow_version", one)))
    found += part(asked.start_time, lambda one: joined("and_", times(STARTS, one, known="r.start_time")))
    found += part(asked.end_time, lambda one: joined("and_", times("r.end_time", one)))
    found += part(asked.expected_start_time, lambda one: joined("and_", times("r.expected_start_time", one)))
    found += part(
        asked.next_scheduled_start_time, lambda one: joined("and_", times("r.next_scheduled_start_time", one))
    )
    found += part(asked.parent_flow_run_id, lambda one: joined("and_", ids("r.parent_flow_run_id", one)))
    found += part(asked.parent_task_run_id, lambda one: _ids_or_none("r.parent_task_run_id", one))
    found += part(asked.idempotency_key, _idempotency_key)
    found += part(asked.created_by, _created_by)
    return joined(asked.operator.value, found)


def _ids_or_none(column: str, asked: FlowRunFilterDeploymentId | FlowRunFilterParentTaskRunId) -> Clause:
    return joined(asked.operator.value, [*ids(column, asked), *null(column, asked.is_null_)])


def _tags(asked: FlowRunFilterTags) -> Clause:
    found: list[Clause] = []
    if asked.all_ is not None:
        found.append(joined("and_", [_tagged([tag]) for tag in asked.all_]))
    if asked.any_ is not None:
        found.append(_tagged(asked.any_))
    if asked.is_null_ is not None:
        found.append(Clause("r.tags = '[]'" if asked.is_null_ else "r.tags <> '[]'"))
    return joined(asked.operator.value, found)


def _tagged(tags: list[str]) -> Clause:
    return clauses.among("r.id", "flow_run_id", "flow_run_tag", [clauses.any_of("tag", tags)])


def _work_queue(asked: FlowRunFilterWorkQueueName) -> Clause:
    found = null("r.work_queue_id", asked.is_null_)
    if asked.any_ is not None:
        found.append(clauses.among("r.work_queue_id", "q.id", "work_queue q", names("q.name", asked)))
    return joined(asked.operator.value, found)


def _state(asked: FlowRunFilterState) -> Clause:
    return joined(asked.operator.value, [*part(asked.type, _state_type), *part(asked.name, _state_name)])


def _state_type(asked: FlowRunFilterStateType) -> Clause:
    found: list[Clause] = []
    if asked.any_ is not None:
        found.append(_of_types({one.value for one in asked.any_}))
    if asked.not_any_ is not None:
        found.append(_of_types(_TYPES - {one.value for one in asked.not_any_}))
    return joined("and_", found)


def _of_types(types: Collection[str]) -> Clause:
    """The index of types leaves Completed runs out: it is used where the condition says that they are not meant."""
    if StateType.COMPLETED.value in types:
        return clauses.any_of("COALESCE(r.state_type, '')", sorted(types))
    unfinished = Clause("r.state_type <> 'COMPLETED'")
    return joined("and_", [unfinished, clauses.any_of("r.state_type", sorted(types))])


def _state_name(asked: FlowRunFilterStateName) -> Clause:
    found: list[Clause] = []
    if asked.any_ is not None:
        found.append(_of_names(asked.any_))
    if asked.not_any_ is not None:
        found.append(clauses.none_of("r.state_name", asked.not_any_))
    return joined("and_", found)


def _of_names(names: list[str]) -> Clause:
    """Two indexes know the names: of all that are not Completed runs, and of Completed runs with another name."""
    if "Completed" in names:
        return clauses.any_of("COALESCE(r.state_name, '')", names)
    named = clauses.any_of("r.state_name", names)
    completed = Clause("r.state_type = 'COMPLETED' AND r.state_name <> 'Completed'")
    return joined(
        "or_",
        [
            joined("and_", [_of_types(_TYPES - {StateType.COMPLETED.value}), named]),
            joined("and_", [completed, named]),
        ],
    )


def _idempotency_key(asked: FlowRunFilterIdempotencyKey) -> Clause:
    found = [] if asked.any_ is None else [clauses.any_of("r.idempotency_key", asked.any_)]
    if asked.not_any_ is not None:
        found.append(clauses.none_of("r.idempotency_key", asked.not_any_))
    return joined("and_", found)


def _created_by(asked: FlowRunFilterCreatedBy) -> Clause:
    found = null("r.created_by", asked.is_null_)
    for key, values in (("id", asked.id_), ("type", asked.type_)):
        if values is not None:
            texts = [str(value) for value in values]
            found.append(clauses.has(f"r.created_by, '$.{key}'", *texts) if texts else clauses.NOTHING)
    return joined(asked.operator.value, found)

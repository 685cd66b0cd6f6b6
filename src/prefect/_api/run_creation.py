"""How a flow run that somebody asks for begins: what it inherits, and what it starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.errors import Refused, missing
from prefect._api.states import pending, record_of
from prefect._backend.mirror import mirror
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._orchestration.bookkeeping import first_columns
from prefect._storage import flow_runs
from prefect._storage.flows import FLOWS
from prefect.exceptions import ObjectNotFound
from prefect.model.names import random_name
from prefect.model.records import FlowRunRecord
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._api.api import Api
    from prefect._storage.protocol import Transaction
    from prefect.model.policies import FlowRunPolicy
    from prefect.model.requests.flow_run_actions import FlowRunCreate


def create(api: Api, asked: FlowRunCreate, **columns: Any) -> tuple[FlowRunRecord, bool]:
    """Make a run, and whether it is new: where its flow has one of the idempotency key, that one is given.

    Args:
        api: whom to ask.
        asked: what the run is to be.
        columns: of the record, that nobody can ask for (`work_queue_id`, `auto_scheduled`).

    Raises:
        ObjectNotFound: there is no such flow, work pool or queue.
        Refused: its parameters are too large.
    """
    check_parameters(asked.parameters)

    def made(cx: Transaction) -> tuple[FlowRunRecord, bool]:
        return _made(cx, _record(cx, api, asked)._replace(**columns))

    if asked.idempotency_key is None:
        return api.store.together(made)
    with api.store.write() as cx:  # another server may make it too
        return made(cx)


def _made(cx: Transaction, record: FlowRunRecord) -> tuple[FlowRunRecord, bool]:
    if flow_runs.insert(cx, record, [record.state]):
        mirror(cx, record, record.state)
        return record, True
    assert record.idempotency_key is not None  # the only thing that an insert yields to
    found = flow_runs.with_key(cx, record.flow_id, record.idempotency_key)
    assert found is not None
    return found, False


def check_parameters(parameters: dict[str, Any] | None) -> None:
    """Raises Refused where the parameters of a run are larger than the settings allow."""
    most = get_current_settings().server.api.max_parameter_size
    size = len(flow_runs.dumps(parameters)) if parameters and most else 0
    if size > most > 0:
        raise Refused(
            f"Flow run parameters must be less than {most:,} bytes when serialized (got {size:,} bytes). Store "
            "large data elsewhere and pass where it is, or raise PREFECT_SERVER_API_MAX_PARAMETER_SIZE."
        )


def _record(cx: Transaction, api: Api, asked: FlowRunCreate) -> FlowRunRecord:
    flow = FLOWS.read(cx, id=asked.flow_id.bytes)
    if flow is None:
        raise missing("Flow")
    now, run_id = now_us(), new_id()
    state = record_of(asked.state) if asked.state is not None else pending()
    own_labels = {"prefect.flow.id": str(asked.flow_id), **asked.labels}
    record = FlowRunRecord(
        id=run_id,
        name=asked.name or random_name(),
        flow_id=flow.id,
        flow_name=flow.name,
        state=state,
        created=now,
        updated=now,
        parameters=asked.parameters,
        tags=tuple(asked.tags),
        flow_version=asked.flow_version,
        deployment_id=_stored(asked.deployment_id),
        idempotency_key=asked.idempotency_key,
        policy=policy_of(asked.empirical_policy),
        context=asked.context,
        labels={**flow.labels, **own_labels},
        extra=_extra(asked),
        created_by=_creator(api),
        root_flow_run_id=run_id,
        **first_columns(state),
    )
    return record._replace(**lineage(cx, asked.parent_task_run_id), **_queue(cx, asked))


def policy_of(asked: FlowRunPolicy) -> dict[str, Any]:
    """A policy as it is stored: only what was said."""
    return asked.model_dump(mode="json", exclude_unset=True) if asked.model_fields_set else {}


def _extra(asked: FlowRunCreate) -> dict[str, Any]:
    storage = asked.infrastructure_document_id
    extra = {"infrastructure_document_id": str(storage)} if storage else {}
    return extra | {"job_variables": asked.job_variables or {}}


def _creator(api: Api) -> dict[str, Any] | None:
    return {"type": "USER", "display_value": api.actor.name} if api.actor is not None else None


def lineage(cx: Transaction, parent: UUID | None) -> dict[str, Any]:
    """Whose subflow the run is: the task run that stands for it tells."""
    if parent is None:
        return {}
    columns: dict[str, Any] = {"parent_task_run_id": parent.bytes}
    row = cx.row(
        "SELECT r.id, r.root_flow_run_id FROM task_run t JOIN flow_run r ON r.id = t.flow_run_id WHERE t.id = ?",
        (parent.bytes,),
    )
    return columns | ({"parent_flow_run_id": row[0], "root_flow_run_id": row[1] or row[0]} if row else {})


def _queue(cx: Transaction, asked: FlowRunCreate) -> dict[str, Any]:
    """The queue that is asked for by name; of a pool without a name, its default queue."""
    pool, queue = asked.work_pool_name, asked.work_queue_name
    if pool is None:
        return {}
    row = cx.row("SELECT id, default_queue_id FROM work_pool WHERE name = ?", (pool,))
    if row is None:
        raise ObjectNotFound(help_message=f'Work pool "{pool}" not found.')
    found = (
        cx.row("SELECT id, name FROM work_queue WHERE id = ?", (row[1],))
        if queue is None
        else cx.row("SELECT id, name FROM work_queue WHERE work_pool_id = ? AND name = ?", (row[0], queue))
    )
    if found is None:
        raise ObjectNotFound(help_message=f'Work queue "{queue}" not found in work pool "{pool}".')
    return {
        "work_queue_id": found[0],
        "work_queue_name": found[1],
        "work_pool_id": row[0],
        "work_pool_name": pool,
    }


def _stored(uuid: UUID | None) -> bytes | None:
    return uuid.bytes if uuid is not None else None

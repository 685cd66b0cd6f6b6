"""Persisted results and the cache: keys, what is recorded under them, what is written (behaviours 53 to 59).

Only runs that persist their results come here: this module needs pydantic, and the engine imports it late.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from prefect import runtime
from prefect._base.clock import now, to_us
from prefect._base.drive import Call
from prefect.cache_policies import NO_CACHE
from prefect.model.results import ResultRecordMetadata
from prefect.results import ResultRecord, read_stored, shown_metadata
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._engine.flow_call import FlowCall
    from prefect._engine.task_call import TaskCall
    from prefect._engine.transactional import TaskTransaction
    from prefect.model.outcome import Outcome
    from prefect.model.records import TaskRunRecord
    from prefect.results import ResultStore


def begin(call: TaskCall) -> Generator[Any, Any, ResultRecord | None]:
    """Open the transaction of an attempt on the run's key; the record that the cache holds, or None.

    Raises:
        Exception: the template of the key does not fit, or what the store says.
    """
    task, settings = call.task, get_current_settings().tasks
    key = _cache_key(call)
    refresh = settings.refresh_cache if task.refresh_cache is None else task.refresh_cache
    policy = task.cache_policy
    txn = call.make_transaction(
        store=call.result_store,
        key=call.result_store.storage_key_fn() if key is None else key,
        isolation_level=policy.isolation_level if policy is not None and key is not None else None,
        overwrite=key is None or refresh or settings.disable_caching,
    )
    if key is not None:
        call.note("cache_key", key)
    yield from txn._begin()
    if txn.found is not None:
        _note(call, txn.found)
    return txn.found


def _cache_key(call: TaskCall) -> str | None:
    """The key under which others would find the result; None where nobody is to find it."""
    task, policy = call.task, call.task.cache_policy
    if task.result_storage_key is not None:
        return task.result_storage_key.format(
            flow_run=runtime.flow_run, task_run=runtime.task_run, parameters=call.parameters
        )
    if policy is None or policy == NO_CACHE or get_current_settings().tasks.disable_caching:
        return None
    try:
        flow_parameters = call.flow.parameters if call.flow is not None else {}
        return policy.compute_key(call, call.parameters, flow_parameters)
    except Exception as exc:
        call.logger().warning(
            "No cache key can be computed for task '%s', it runs uncached: %s", task.name, exc
        )
        return None


def record_of(call: TaskCall, txn: TaskTransaction, value: Any) -> ResultRecord:
    """The record of a result, still to be written; the run's row says where it will be."""
    store, lifetime = call.result_store, call.task.cache_expiration
    record = store.create_result_record(
        value, key=txn.key, expiration=None if lifetime is None else now() + lifetime
    )
    _note(call, record)
    return record


def _note(call: TaskCall, record: ResultRecord) -> None:
    call.persisted = record.metadata
    call.note("data", record.shown)
    if record.expiration is not None:
        call.note("cache_expiration", to_us(record.expiration))


def write_failure(call: TaskCall) -> Generator[Any, Any, None]:
    """Keep the exception of a failed run, under a key of its own: nobody's cache finds it (behaviour 59)."""
    try:
        record = yield from _write(call.result_store, call.exception)
    except Exception as exc:
        call.logger().debug("The exception of task '%s' could not be persisted: %r", call.task.name, exc)
    else:
        call.note("data", record.shown)


def write_flow_result(call: FlowCall, outcome: Outcome) -> Generator[Any, Any, None]:
    """Write the result, or the exception, of a flow run before its final state is proposed."""
    call.persisted = None  # that of an earlier try
    if outcome.state is not None:
        value = outcome.state.data
    else:
        value = call.exception if call.exception is not None else call.value
    if isinstance(value, ResultRecordMetadata):
        call.persisted = shown_metadata(value)
        return
    try:
        record = yield from _write(call.result_store, value)
    except Exception as exc:
        call.logger().warning("The result of flow '%s' could not be persisted: %s", call.flow.name, exc)
    else:
        call.persisted = record.shown


def _write(store: ResultStore, value: Any) -> Generator[Any, Any, ResultRecord]:
    record: ResultRecord = (
        cast("ResultRecord", value) if isinstance(value, ResultRecord) else store.create_result_record(value)
    )
    yield Call(store.persist_result_record, (record,), afn=store.apersist_result_record)
    return record


def read(metadata: ResultRecordMetadata) -> Any:
    """The result that is stored under some metadata."""
    return read_stored(metadata)


def read_recorded(row: TaskRunRecord) -> Any:
    """The result of a run that an earlier attempt has recorded.

    Raises:
        Exception: it cannot be read.
    """
    assert row.detail is not None
    return read_stored(ResultRecordMetadata.model_validate(json.loads(row.detail)["data"]))

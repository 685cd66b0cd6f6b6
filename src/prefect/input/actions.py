"""What is sent to flow runs, key by key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.drive import drive_async
from prefect.client._use import Using, either
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError, ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Generator

    from pydantic import BaseModel

    from prefect.model.objects import FlowRunInput

__all__ = [
    "acreate_flow_run_input",
    "acreate_flow_run_input_from_model",
    "adelete_flow_run_input",
    "afilter_flow_run_input",
    "aread_flow_run_input",
    "create_flow_run_input",
    "create_flow_run_input_from_model",
    "delete_flow_run_input",
    "ensure_flow_run_id",
    "filter_flow_run_input",
    "read_flow_run_input",
]


def ensure_flow_run_id(flow_run_id: UUID | None = None) -> UUID:
    """The id given, or that of the flow run which this code is part of. Raises RuntimeError where there is none."""
    if flow_run_id is not None:
        return flow_run_id
    try:
        record = get_run_context().record
    except MissingContextError:
        raise RuntimeError("Expected a flow run ID, or to be within a flow run; got neither.") from None
    own = getattr(record, "flow_run_id", record.id)  # a task run's is that of its flow run
    if own is None:
        raise RuntimeError("Expected a flow run ID: this task run is part of no flow run.")
    return UUID(bytes=own)


def create_flow_run_input_from_model(
    key: str, model_instance: BaseModel, flow_run_id: UUID | None = None, sender: str | None = None
) -> None:
    """Send a model to a flow run under a key.

    Args:
        key: which.
        model_instance: the model.
        flow_run_id: to which; by default the one that this code is part of.
        sender: from whom; by default, from within a flow run, that run.

    Raises:
        RuntimeError: no run is given, and this is part of none.
        ObjectNotFound: there is no such run.
        ObjectAlreadyExists: the key is taken.
    """
    return either(creating(key, model_instance, flow_run_id, sender))


async def acreate_flow_run_input_from_model(
    key: str, model_instance: BaseModel, flow_run_id: UUID | None = None, sender: str | None = None
) -> None:
    """The async form of `create_flow_run_input_from_model`."""
    await drive_async(creating(key, model_instance, flow_run_id, sender))


def create_flow_run_input(
    key: str, value: Any, flow_run_id: UUID | None = None, sender: str | None = None
) -> None:
    """Send anything that JSON can hold to a flow run, as `create_flow_run_input_from_model` sends a model."""
    return either(creating(key, value, flow_run_id, sender))


async def acreate_flow_run_input(
    key: str, value: Any, flow_run_id: UUID | None = None, sender: str | None = None
) -> None:
    """The async form of `create_flow_run_input`."""
    await drive_async(creating(key, value, flow_run_id, sender))


def filter_flow_run_input(
    key_prefix: str, limit: int = 1, exclude_keys: set[str] | None = None, flow_run_id: UUID | None = None
) -> list[FlowRunInput]:
    """What was sent to a flow run under keys that begin so, the oldest first. Raises RuntimeError: see above."""
    return either(filtering(key_prefix, limit, exclude_keys, flow_run_id))


async def afilter_flow_run_input(
    key_prefix: str, limit: int = 1, exclude_keys: set[str] | None = None, flow_run_id: UUID | None = None
) -> list[FlowRunInput]:
    """The async form of `filter_flow_run_input`."""
    return await drive_async(filtering(key_prefix, limit, exclude_keys, flow_run_id))


def read_flow_run_input(key: str, flow_run_id: UUID | None = None) -> Any:
    """What was sent to a flow run under a key; None where nothing was."""
    return either(reading(key, flow_run_id))


async def aread_flow_run_input(key: str, flow_run_id: UUID | None = None) -> Any:
    """The async form of `read_flow_run_input`."""
    return await drive_async(reading(key, flow_run_id))


def delete_flow_run_input(key: str, flow_run_id: UUID | None = None) -> None:
    """Forget what was sent to a flow run under a key. Raises ObjectNotFound where nothing was."""
    return either(_deleting(key, flow_run_id))


async def adelete_flow_run_input(key: str, flow_run_id: UUID | None = None) -> None:
    """The async form of `delete_flow_run_input`."""
    await drive_async(_deleting(key, flow_run_id))


# --- as steps ------------------------------------------------------------------------------------------


def creating(key: str, value: Any, flow_run_id: UUID | None, sender: str | None) -> Generator[Any, Any, None]:
    """The steps of `create_flow_run_input`."""
    from pydantic_core import to_json  # 15 ms of import that only inputs need

    yield Using(
        None,
        "create_flow_run_input",
        flow_run_id=ensure_flow_run_id(flow_run_id),
        key=key,
        value=to_json(value).decode(),
        sender=sender,
    )


def filtering(
    key_prefix: str, limit: int, exclude_keys: set[str] | None, flow_run_id: UUID | None
) -> Generator[Any, Any, list[FlowRunInput]]:
    """The steps of `filter_flow_run_input`."""
    return (
        yield Using(
            None,
            "filter_flow_run_input",
            flow_run_id=ensure_flow_run_id(flow_run_id),
            key_prefix=key_prefix,
            limit=limit,
            exclude_keys=exclude_keys or set(),
        )
    )


def reading(key: str, flow_run_id: UUID | None) -> Generator[Any, Any, Any]:
    """The steps of `read_flow_run_input`."""
    try:
        found: str = yield Using(
            None, "read_flow_run_input", flow_run_id=ensure_flow_run_id(flow_run_id), key=key
        )
    except ObjectNotFound:
        return None
    return json.loads(found)


def _deleting(key: str, flow_run_id: UUID | None) -> Generator[Any, Any, None]:
    yield Using(None, "delete_flow_run_input", flow_run_id=ensure_flow_run_id(flow_run_id), key=key)

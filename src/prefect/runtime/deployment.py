"""The deployment of the present flow run, as attributes: None or {} outside one (behaviour 65)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.context import EngineContext
from prefect.runtime import flow_run
from prefect.runtime._values import attribute

__all__ = ["flow_run_id", "id", "name", "parameters", "version"]

if TYPE_CHECKING:
    flow_run_id: str | None
    id: str | None
    name: str | None
    parameters: dict[str, Any]
    version: str | None


def get_id() -> str | None:
    """The id of the deployment."""
    context = EngineContext.get()
    found = context.record.deployment_id if context is not None else None
    return str(UUID(bytes=found)) if found is not None else None


def get_flow_run_id() -> str | None:
    """The id of the flow run."""
    return flow_run.get_id()


def get_name() -> str | None:
    """The name of the deployment."""
    return _extra("deployment_name")


def get_version() -> str | None:
    """The version of the deployment."""
    return _extra("deployment_version")


def get_parameters() -> dict[str, Any]:
    """The parameters that the deployment sets."""
    return _extra("deployment_parameters") or {}


def _extra(name: str) -> Any:
    context = EngineContext.get()
    return context.record.extra.get(name) if context is not None else None


_GETTERS = {
    "id": get_id,
    "flow_run_id": get_flow_run_id,
    "name": get_name,
    "version": get_version,
    "parameters": get_parameters,
}
__getattr__ = partial(attribute, "deployment", getters=_GETTERS)

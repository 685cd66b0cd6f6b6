"""What runs this server, and how it is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._base.settings.table import TABLE
from prefect._storage import meta
from prefect._version import __version__
from prefect.model.work_pools import ServerDefaultResultStorage, ServerDefaultResultStorageUpdate
from prefect.settings import get_current_settings

_STORAGE = "default_result_storage_block_id"
_HIDDEN = "********"


@endpoint("GET", "/admin/version")
def read_server_version(api: Api) -> str:  # noqa: ARG001 - a constant
    """The version of the package that serves."""
    return __version__


@endpoint("GET", "/admin/settings")
def read_settings(api: Api) -> dict[str, Any]:  # noqa: ARG001 - asks nothing of the store
    """The settings of the server, nested as in Python; secrets are masked."""
    nested: dict[str, Any] = {}
    values = get_current_settings().values
    for spec in TABLE:
        *groups, name = spec.path.split(".")
        inner = nested
        for group in groups:
            inner = inner.setdefault(group, {})
        value = values[spec.path]
        inner[name] = _HIDDEN if spec.secret and value is not None else _plain(value)
    return nested


@endpoint("GET", "/admin/storage")
def read_server_default_result_storage(api: Api) -> ServerDefaultResultStorage:
    """The block that holds results whose task names none."""
    text = meta.read(api.store, _STORAGE)
    return ServerDefaultResultStorage(default_result_storage_block_id=UUID(text) if text else None)


@endpoint("PUT", "/admin/storage", role="admin")
def update_server_default_result_storage(
    api: Api, body: ServerDefaultResultStorageUpdate
) -> ServerDefaultResultStorage:
    """Name another block for them."""
    with api.store.write() as cx:
        meta.write(cx, _STORAGE, str(body.default_result_storage_block_id))
    return ServerDefaultResultStorage(default_result_storage_block_id=body.default_result_storage_block_id)


@endpoint("DELETE", "/admin/storage", status=204, role="admin")
def clear_server_default_result_storage(api: Api) -> None:
    """Name none."""
    with api.store.write() as cx:
        meta.write(cx, _STORAGE, "")


def _plain(value: Any) -> Any:
    """What JSON has no word for, as text; sets in order."""
    if isinstance(value, (set, frozenset)):
        return sorted(cast("set[Any]", value), key=str)
    return str(value) if isinstance(value, Path) else value

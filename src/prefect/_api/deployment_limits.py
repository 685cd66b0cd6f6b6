"""The concurrency limit of a deployment: a limit of its own, named after it, or one that it shares with others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.concurrency import delete, insert
from prefect._base.clock import now_us
from prefect._storage.concurrency import LIMITS
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from prefect._storage.deployments import DeploymentRecord
    from prefect._storage.protocol import Transaction
    from prefect.model.requests.deployment_actions import DeploymentCreate, DeploymentUpdate


def put(
    cx: Transaction, deployment: DeploymentRecord, asked: DeploymentCreate | DeploymentUpdate
) -> bytes | None:
    """Make, change or remove its limit; the id of the one that holds now.

    Raises:
        ObjectNotFound: there is no limit of that id.
    """
    if asked.global_concurrency_limit_id is not None:
        shared = LIMITS.read(cx, id=asked.global_concurrency_limit_id.bytes)
        if shared is None:
            raise ObjectNotFound(help_message="Concurrency limit not found")
        return shared.id
    if asked.concurrency_limit is None:
        remove(cx, deployment)
        return None
    own = LIMITS.read(cx, name=_name(deployment))
    if own is None:
        return insert(cx, _name(deployment), asked.concurrency_limit).id
    LIMITS.update(cx, own.id, {"slot_limit": asked.concurrency_limit, "updated": now_us()})
    return own.id


def remove(cx: Transaction, deployment: DeploymentRecord) -> None:
    """Remove its own limit, if it has one."""
    own = LIMITS.read(cx, name=_name(deployment))
    if own is not None:
        delete(cx, own)


def _name(deployment: DeploymentRecord) -> str:
    return f"deployment:{UUID(bytes=deployment.id)}"

"""Registering deployments with a work pool, with an image or a source that its workers can get at."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from prefect._loading import is_left_out
from prefect.client.orchestration import get_client
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.docker.docker_image import DockerImage, folder_in_image
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect.model.work_pools import WorkPool


def deploy_all(
    deployments: Sequence[Any],
    *,
    work_pool_name: str | None,
    image: str | DockerImage | None,
    build: bool,
    push: bool,
    say: bool,
) -> list[UUID]:
    """See `prefect.deploy`."""
    wrong = [one for one in deployments if not isinstance(one, RunnerDeployment)]
    if wrong:
        raise TypeError(
            "Expected deployments from `flow.to_deployment(…)`, got "
            f"{', '.join(type(one).__name__ for one in wrong)}."
        )
    if is_left_out("deploy"):
        return _known(deployments)
    pool = _pool(work_pool_name)
    made = image if image is None or isinstance(image, DockerImage) else DockerImage(image)
    _require_code(deployments, pool, made)
    if made is not None:
        if build:
            made.build()
        if build and push:
            made.push()
        for one in deployments:
            if one.storage is None:
                one._path = folder_in_image() if made.dockerfile == "auto" else None
    return _applied(deployments, pool, made, say=say)


def _known(deployments: Sequence[RunnerDeployment]) -> list[UUID]:
    """Those that are registered already."""
    found: list[UUID] = []
    with get_client(sync_client=True) as client:
        for one in deployments:
            with suppress(ObjectNotFound):
                found.append(client.read_deployment_by_name(one.full_name).id)
    return found


def _pool(name: str | None) -> WorkPool:
    wanted = name or get_current_settings().deployments.default_work_pool_name
    if not wanted:
        raise ValueError(
            "A work pool name must be provided when deploying a flow: expected `work_pool_name`, or "
            "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME, got neither. Without a work pool, use `flow.serve`."
        )
    with get_client(sync_client=True) as client:
        try:
            return client.read_work_pool(wanted)
        except ObjectNotFound as exc:
            raise ValueError(
                f"Could not find work pool {wanted!r}. Create it: prefect work-pool create {wanted} --type process"
            ) from exc


def _require_code(deployments: Sequence[Any], pool: WorkPool, image: DockerImage | None) -> None:
    properties: dict[str, Any] = pool.base_job_template.get("variables", {}).get("properties", {})
    if image is not None and "image" not in properties:
        raise ValueError(
            f"Work pool {pool.name!r} (type {pool.type!r}) does not support custom Docker images: its job template "
            "has no variable `image`. Leave the image out, and deploy from a source: flow.from_source(…).deploy(…)."
        )
    without = [one.full_name for one in deployments if one.storage is None]
    if image is None and without:
        raise ValueError(
            "Either an image or remote storage location must be provided when deploying a deployment: "
            f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} neither. Pass `image=…`, or take the "
            "flow from its source: flow.from_source(source='https://….git', entrypoint='file.py:name').deploy(…)."
        )


def _applied(
    deployments: Sequence[Any], pool: WorkPool, image: DockerImage | None, *, say: bool
) -> list[UUID]:
    ids: list[UUID] = []
    failed: list[str] = []
    for one in deployments:
        try:
            ids.append(_apply(one, pool, image))
        except DeploymentApplyError as exc:  # noqa: PERF203 - each for itself
            failed.append(str(exc))
        else:
            if say:
                click.echo(f"Deployed '{one.full_name}' to work pool '{pool.name}' ({ids[-1]}).")
    if failed:
        raise DeploymentApplyError("\n".join(failed))
    if say and ids:
        click.echo(f"\nStart a worker:  prefect worker start --pool '{pool.name}'")
        click.echo(f"Ask for a run:   prefect deployment run '{deployments[-1].full_name}'")
    return ids


def _apply(one: RunnerDeployment, pool: WorkPool, image: DockerImage | None) -> UUID:
    with get_client(sync_client=True) as client:
        return one._applied(client, None, pool.name, image.reference if image else None, None)

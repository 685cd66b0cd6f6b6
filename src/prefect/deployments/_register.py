"""Registering the deployments of a `prefect.yaml`: build, push, fill in, and tell the API."""

# YAML of any shape is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from prefect._base.drive import run_awaitable
from prefect._base.notset import NotSet
from prefect.client.orchestration import get_client
from prefect.deployments._project import ACTIONS, ProjectError, steps_in
from prefect.deployments._templates import filled
from prefect.deployments._triggers import named, register_triggers
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.deployments.steps.core import run_steps
from prefect.exceptions import ObjectNotFound
from prefect.model.concurrency import ConcurrencyLimitConfig
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.deployments._project import Project

    Say = Callable[[str], None]


class Registrar:
    """Registers deployments of a project, one after the other. What several have in common is built once."""

    def __init__(self, project: Project, say: Say) -> None:
        self._project = project
        self._say = say
        self._built: dict[str, dict[str, Any]] = {}

    def register(self, config: dict[str, Any]) -> tuple[str, UUID, str]:
        """Register one deployment.

        Args:
            config: its part of the file, with what the command line says on top.

        Returns:
            Its full name, its id, and its work pool's name.

        Raises:
            ProjectError: something is missing in it, or there is no such work pool.
            StepExecutionError: a step failed.
            MissingFlowError, ScriptError: there is no such flow, or its script raises.
            DeploymentApplyError: it was refused; the message says why.
        """
        steps = {action: self._steps_of(config, action) for action in ACTIONS}
        own = {key: value for key, value in config.items() if key not in ACTIONS}
        name = (own.get("work_pool") or {}).get("name")
        if name is None or "{{" not in name:
            _require_pool(own)  # before anything is built
        outputs = self._run(steps["push"] or [], self._run(steps["build"] or [], {}))
        ready = _ready(own, outputs)
        pool = _require_pool(ready)
        deployment = _deployment(ready)
        deployment.work_pool_name = pool
        # what names a variable or a block is filled in when a run is executed: no secret is stored with a deployment
        pull = steps["pull"] if steps["pull"] is not None else _default_pull()
        deployment.storage = _Steps(filled(pull, outputs, late=("prefect.",), keep_unknown=True))
        deployment._path = None
        deployment_id = _apply(deployment)
        if ready.get("triggers") is not None:
            with get_client(sync_client=True) as client:
                triggers = named(deployment.name, ready["triggers"])
                register_triggers(client, deployment.name, deployment_id, triggers)
        return deployment.full_name, deployment_id, pool

    def _steps_of(self, config: dict[str, Any], action: str) -> list[dict[str, Any]] | None:
        own = steps_in(config, action, self._project.path)
        return own if own is not None else self._project.steps.get(action)

    def _run(self, steps: list[dict[str, Any]], before: dict[str, Any]) -> dict[str, Any]:
        if not steps:
            return before
        key = json.dumps([steps, before], sort_keys=True, default=str)
        if key not in self._built:
            self._built[key] = run_awaitable(run_steps(steps, before, print_function=self._say))
        return self._built[key]


class _Steps:
    """Pull steps that are written already, in the place of a storage."""

    def __init__(self, steps: list[dict[str, Any]]) -> None:
        self._steps = steps

    def to_pull_step(self) -> list[dict[str, Any]]:
        """The steps."""
        return self._steps


def _ready(config: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    """The fields with everything filled in; job variables keep the names of blocks, which workers fill in."""
    pool = dict(config.get("work_pool") or {})
    variables = filled(pool.pop("job_variables", None) or {}, outputs, late=("prefect.blocks.",))
    ready = filled({**config, "work_pool": pool}, outputs)
    assert ready is not NotSet
    ready["work_pool"]["job_variables"] = variables
    return {key: value for key, value in ready.items() if value is not None}


def _require_pool(config: dict[str, Any]) -> str:
    name = (config.get("work_pool") or {}).get(
        "name"
    ) or get_current_settings().deployments.default_work_pool_name
    if not name:
        raise ProjectError(
            f"A work pool is required to deploy {config.get('name')!r}: expected --pool NAME, `work_pool: {{name: …}}` "
            "in prefect.yaml, or PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME, got none of them. "
            "Without a work pool, use `prefect flow serve`."
        )
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(name)
        except ObjectNotFound as exc:
            raise ProjectError(
                f"Expected the work pool {name!r}, which there is not. Create it: "
                f"prefect work-pool create {name} --type process"
            ) from exc
    return name


def _deployment(config: dict[str, Any]) -> RunnerDeployment:
    name, entrypoint = config.get("name"), config.get("entrypoint")
    if not entrypoint:
        raise ProjectError(
            f"An entrypoint must be provided for {name!r}: prefect deploy path/to/file.py:flow_function, or "
            "`entrypoint: …` in prefect.yaml."
        )
    if not name:
        raise ProjectError(
            f"A deployment name must be provided for {entrypoint}: prefect deploy {entrypoint} --name …"
        )
    plain = ("version", "version_type", "tags", "description", "parameters", "paused", "recover")
    options: dict[str, Any] = {key: config[key] for key in plain if key in config}
    options["enforce_parameter_schema"] = config.get("enforce_parameter_schema", True)
    options["schedules"] = _schedules(config)
    limit = config.get("concurrency_limit")
    options["concurrency_limit"] = (
        ConcurrencyLimitConfig.model_validate(limit) if isinstance(limit, dict) else limit
    )
    options["work_queue_name"] = config["work_pool"].get("work_queue_name")
    options["job_variables"] = config["work_pool"]["job_variables"]
    if "version" in options:
        options["version"] = str(options["version"])
    made = RunnerDeployment.from_entrypoint(entrypoint, str(name), **options)
    _require_taken(made)
    return made


def _require_taken(deployment: RunnerDeployment) -> None:
    """A parameter that the flow does not take is a mistake, and is named here and not when it runs."""
    known = deployment.parameter_openapi_schema.get("properties", {})
    unknown = sorted(set(deployment.parameters) - set(known))
    if unknown and deployment.enforce_parameter_schema:
        raise ProjectError(
            f"Expected parameters of {deployment.full_name!r}, which takes {', '.join(known) or 'none'}, "
            f"got {', '.join(unknown)}."
        )


def _schedules(config: dict[str, Any]) -> list[dict[str, Any]]:
    given: Any = config.get("schedules") or config.get("schedule") or []
    listed: list[Any] = [given] if isinstance(given, dict) else given
    wanted = [one for one in listed if one]
    wrong = [one for one in wanted if not isinstance(one, dict)]
    if wrong:
        raise ProjectError(f"Expected schedules such as `- cron: 0 2 * * *`, got {wrong[0]!r}.")
    return [{key: value for key, value in one.items() if value is not None} for one in wanted]


def _default_pull() -> list[dict[str, Any]]:
    """Without pull steps, runs are executed in this folder of this machine."""
    return [{"prefect.deployments.steps.set_working_directory": {"directory": str(Path.cwd())}}]


def _apply(deployment: RunnerDeployment) -> UUID:
    with get_client(sync_client=True) as client:
        try:
            return deployment._applied(client, None, None, None, None)
        except DeploymentApplyError as exc:
            if isinstance(exc.__cause__, ValidationError):
                said = "; ".join(one["msg"] for one in exc.__cause__.errors())
                raise ProjectError(f"Expected another form of {deployment.full_name!r}: {said}") from exc
            raise


__all__ = ["DeploymentApplyError", "Registrar"]

"""A deployment as code describes it: `Flow.to_deployment` makes one, `serve` and `deploy` register it."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator
from typing_extensions import Self

from prefect._backend.executors import RECOVER_LABEL
from prefect._base.current import wants_awaitable
from prefect._base.dual import dual, in_thread
from prefect._loading import load_flow
from prefect.client.orchestration import get_client
from prefect.deployments._options import OF_SCHEDULES, DeploymentOptions, check_names
from prefect.deployments._parameter_schema import parameter_schema
from prefect.deployments._schedules import create_of, schedules_of
from prefect.deployments._triggers import named, register_triggers
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes
from prefect.exceptions import InvalidNameError
from prefect.model.concurrency import ConcurrencyLimitConfig, ConcurrencyOptions
from prefect.model.deployments import VersionInfo
from prefect.model.requests.deployment_actions import DeploymentScheduleCreate, DeploymentScheduleUpdate
from prefect.types.entrypoint import EntrypointType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.docker.docker_image import DockerImage
    from prefect.flows import Flow

__all__ = ["DeploymentApplyError", "RunnerDeployment", "adeploy", "deploy"]


_BANNED = ["/", "%", "&", ">", "<"]
_SCRIPT = {".py", ".ipynb"}


class DeploymentApplyError(RuntimeError):
    """A deployment could not be registered."""


class RunnerDeployment(BaseModel):
    """A deployment that `apply` registers. Made by `Flow.to_deployment`; see `DeploymentOptions`.

    Raises:
        ValidationError: pydantic's: a field is refused; the name holds one of / % & > <.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_assignment=False)

    name: str
    flow_name: str | None = None
    description: str | None = None
    version: str | None = None
    version_type: str | None = None
    tags: list[str] = Field(default_factory=list)
    schedules: list[DeploymentScheduleCreate | DeploymentScheduleUpdate] | None = None
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    paused: bool | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    entrypoint: str | None = None
    triggers: list[DeploymentTriggerTypes] = Field(default_factory=list)
    enforce_parameter_schema: bool = True
    storage: Any = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    recover: int = Field(default=1, ge=0)

    _path: str | None = PrivateAttr(default=None)
    _entrypoint_type: EntrypointType = PrivateAttr(default=EntrypointType.FILE_PATH)
    _parameter_openapi_schema: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def entrypoint_type(self) -> EntrypointType:
        """How another process finds the flow."""
        return self._entrypoint_type

    @property
    def full_name(self) -> str:
        """`flow/deployment`."""
        return f"{self.flow_name}/{self.name}"

    @property
    def folder(self) -> Path:
        """Where the entrypoint is looked for: the folder that the deployment was made in."""
        return Path(self._path or ".").absolute()

    @property
    def parameter_openapi_schema(self) -> dict[str, Any]:
        """The schema of the flow's parameters."""
        return self._parameter_openapi_schema

    @field_validator("name")
    @classmethod
    def validate_name(cls, value: str) -> str:
        """A file name is taken without its ending."""
        _require_name(value)
        path = Path(value)
        return path.stem if path.suffix in _SCRIPT else value

    @model_validator(mode="before")
    @classmethod
    def reconcile_paused(cls, values: Any) -> Any:
        """It is paused only where that is said."""
        if isinstance(values, dict) and values.get("paused") is None:
            return {**values, "paused": False}
        return values

    @model_validator(mode="before")
    @classmethod
    def reconcile_schedules(cls, values: Any) -> Any:
        """Schedules may be given in any of their forms."""
        if isinstance(values, dict) and values.get("schedules") is not None:
            return {**values, "schedules": [create_of(one) for one in values["schedules"]]}
        return values

    @model_validator(mode="after")
    def validate_automation_names(self) -> Self:
        """A trigger without a name is called after the deployment and its place."""
        self.triggers = named(self.name, self.triggers)
        return self

    @classmethod
    def from_flow(
        cls, flow: Flow[..., Any], name: str, **options: Unpack[DeploymentOptions]
    ) -> RunnerDeployment:
        """The deployment of a flow that this process has.

        Raises:
            TypeError: there is no such option.
            ValueError: more than one way to schedule it is used; or the flow is defined in no file.
        """
        given = dict(options)
        check_names(given, "to_deployment")
        kind = EntrypointType(given.pop("entrypoint_type", EntrypointType.FILE_PATH))
        made = cls._made(flow, name, given)
        stored = getattr(flow, "_storage", None)
        made._entrypoint_type = kind
        if stored is not None:
            made.storage, made.entrypoint = stored, flow.entrypoint
        else:
            made._path = str(Path.cwd())
            made.entrypoint = (
                _module_entrypoint(flow) if kind is EntrypointType.MODULE_PATH else _entrypoint(flow)
            )
        return made

    @classmethod
    def from_entrypoint(
        cls,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        **options: Unpack[DeploymentOptions],
    ) -> RunnerDeployment:
        """The deployment of the flow that `path/to/file.py:name` or `package.module:name` names; it is imported.

        Raises:
            MissingFlowError, ScriptError: there is none, or its script raises.
            TypeError, ValueError: see `from_flow`.
        """
        given = dict(options)
        check_names(given, "from_entrypoint")
        given.pop("entrypoint_type", None)
        made = cls._made(load_flow(entrypoint), name, given)
        made.flow_name = flow_name or made.flow_name
        made.entrypoint, made._path = entrypoint, str(Path.cwd())
        if not entrypoint.rpartition(":")[0].endswith(".py"):
            made._entrypoint_type = EntrypointType.MODULE_PATH
        return made

    @classmethod
    @dual
    def from_storage(
        cls,
        storage: Any,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        **options: Unpack[DeploymentOptions],
    ) -> RunnerDeployment:
        """The deployment of a flow whose code is stored elsewhere (a `RunnerStorage`); it is fetched and imported.

        Raises:
            MissingFlowError, ScriptError: there is none at the entrypoint, or its script raises.
            TypeError, ValueError: see `from_flow`.
        """
        import asyncio  # only for code that is stored elsewhere

        return asyncio.run(cls.afrom_storage(storage, entrypoint, name, flow_name, **options))

    @classmethod
    async def afrom_storage(
        cls,
        storage: Any,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        **options: Unpack[DeploymentOptions],
    ) -> RunnerDeployment:
        """The asynchronous form of `from_storage`."""
        given = dict(options)
        check_names(given, "from_storage")
        given.pop("entrypoint_type", None)
        with tempfile.TemporaryDirectory() as folder:
            storage.set_base_path(Path(folder))
            await storage.pull_code()
            flow = await in_thread(load_flow, str(storage.destination / entrypoint))
            made = cls._made(flow, name, given)
        made.flow_name = flow_name or made.flow_name
        made.entrypoint, made.storage = entrypoint, storage
        made._path = str(storage.destination).replace(folder, "$STORAGE_BASE_PATH")
        return made

    @classmethod
    def _made(cls, flow: Flow[..., Any], name: str, given: dict[str, Any]) -> RunnerDeployment:
        _require_name(name)  # pydantic would wrap its error
        schedules = schedules_of(**{key: given.pop(key, None) for key in OF_SCHEDULES})
        limit = given.pop("concurrency_limit", None)
        if isinstance(limit, ConcurrencyLimitConfig):
            given["concurrency_options"] = ConcurrencyOptions(
                **limit.model_dump(include={"collision_strategy", "grace_period_seconds"})
            )
            limit = limit.limit
        given.pop("_sla", None)
        given.setdefault("description", flow.description)
        given.setdefault("version", flow.version)
        fields = {key: value for key, value in given.items() if value is not None}
        made = cls(name=name, flow_name=flow.name, schedules=schedules, concurrency_limit=limit, **fields)
        made._parameter_openapi_schema = parameter_schema(flow)
        return made

    @dual
    def apply(
        self,
        schedules: list[dict[str, Any]] | None = None,
        work_pool_name: str | None = None,
        image: str | None = None,
        version_info: VersionInfo | None = None,
    ) -> UUID:
        """Register the deployment, or give the one of that name this form; its id.

        Args:
            schedules: other schedules than its own.
            work_pool_name: another pool than its own.
            image: the container image that its runs are executed in.
            version_info: where this version comes from.

        Raises:
            DeploymentApplyError: it was refused; the message says why.
        """
        with get_client(sync_client=True) as client:
            return self._applied(client, schedules, work_pool_name, image, version_info)

    async def aapply(
        self,
        schedules: list[dict[str, Any]] | None = None,
        work_pool_name: str | None = None,
        image: str | None = None,
        version_info: VersionInfo | None = None,
    ) -> UUID:
        """The asynchronous form of `apply`."""

        def apply() -> UUID:
            with get_client(sync_client=True) as client:
                return self._applied(client, schedules, work_pool_name, image, version_info)

        return await in_thread(apply)

    def _applied(
        self,
        client: SyncPrefectClient,
        schedules: list[dict[str, Any]] | None,
        work_pool_name: str | None,
        image: str | None,
        version_info: VersionInfo | None,
    ) -> UUID:
        if self.flow_name is None:
            raise DeploymentApplyError(
                f"Expected the name of the flow of deployment {self.name!r}, got none."
            )
        pool = work_pool_name or self.work_pool_name
        if image and not pool:
            raise DeploymentApplyError(
                "An image can only be provided when registering a deployment with a work pool."
            )
        try:
            deployment_id = client.create_deployment(
                client.create_flow_from_name(self.flow_name),
                **self._content(schedules, pool, image, version_info),
            )
        except Exception as exc:
            raise DeploymentApplyError(f"Error while applying deployment {self.name!r}: {exc}") from exc
        if self.triggers:
            register_triggers(client, self.name, deployment_id, self.triggers)
        return deployment_id

    def _content(
        self,
        schedules: list[dict[str, Any]] | None,
        pool: str | None,
        image: str | None,
        version_info: VersionInfo | None,
    ) -> dict[str, Any]:
        stored = self.storage is not None
        variables: Mapping[str, Any] = self.job_variables | ({"image": image} if image else {})
        return {
            "name": self.name,
            "work_queue_name": self.work_queue_name,
            "work_pool_name": pool,
            "version": self.version,
            "version_info": version_info,
            "paused": self.paused,
            "schedules": [create_of(one) for one in schedules] if schedules else self.schedules,
            "concurrency_limit": self.concurrency_limit,
            "concurrency_options": self.concurrency_options,
            "parameters": self.parameters,
            "description": self.description,
            "tags": self.tags,
            "path": self._path,
            "entrypoint": self.entrypoint,
            "pull_steps": _as_list(self.storage.to_pull_step()) if stored and pool else None,
            "parameter_openapi_schema": self._parameter_openapi_schema,
            "enforce_parameter_schema": self.enforce_parameter_schema,
            "job_variables": dict(variables),
            "labels": {RECOVER_LABEL: self.recover},
        }


def _require_name(name: str) -> None:
    if any(character in name for character in _BANNED):
        raise InvalidNameError(
            f"Name {name!r} contains an invalid character. Must not contain any of: {_BANNED}."
        )


def _as_list(steps: Any) -> list[dict[str, Any]]:
    return steps if isinstance(steps, list) else [steps]


def _entrypoint(flow: Flow[..., Any]) -> str:
    """The flow's file, relative to the present folder if it is below that."""
    found = flow.entrypoint
    if found is None or "<locals>" in found:
        raise ValueError(
            f"Flow {flow.name!r} cannot be found by another process: expected it at the top level of a file, "
            f"got {found or 'none'}. Move it there, or deploy it with RunnerDeployment.from_entrypoint."
        )
    path, _, name = found.rpartition(":")
    below = os.path.relpath(path)
    return found if below.startswith(os.pardir) else f"{below}:{name}"


def _module_entrypoint(flow: Flow[..., Any]) -> str:
    module, name = flow.fn.__module__, flow.fn.__qualname__
    if module == "__main__":
        raise ValueError(
            f"Flow {flow.name!r} is defined in the script that was started: expected a module that can be imported. "
            "Move it to a module, or use EntrypointType.FILE_PATH."
        )
    return f"{module}:{name}"


def deploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> Any:
    """Register deployments with a work pool, whose workers then execute their runs; their ids.

    Under a running event loop it gives an awaitable, unless a sync flow or task calls it.

    Args:
        deployments: from `Flow.to_deployment`.
        work_pool_name: PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME unless given.
        image: that the runs are executed in; without, the flows come `from_source`.
        build: build the image, with the docker command.
        push: push it once it is built.
        print_next_steps_message: say what was deployed, and what to do next.
        ignore_warnings: there are none to ignore.

    Raises:
        TypeError: something else than a deployment is given.
        ValueError: there is no such work pool; or its workers could not get at the code.
        BuildError, PushError: of `prefect.docker.docker_image`.
        DeploymentApplyError: deployments were refused; the others are registered.
    """
    given = locals()
    return adeploy(*given.pop("deployments"), **given) if wants_awaitable() else _deploy(**given)


async def adeploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> list[UUID]:
    """The asynchronous form of `deploy`."""
    given = locals()
    return await in_thread(lambda: _deploy(**given))


def _deploy(print_next_steps_message: bool, ignore_warnings: bool, **given: Any) -> list[UUID]:
    from prefect.deployments._deploy import deploy_all  # it registers what is declared here

    _ = ignore_warnings
    return deploy_all(**given, say=print_next_steps_message)

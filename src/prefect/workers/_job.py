"""What a worker starts for a run: the job configuration, made from a pool's template and job variables."""

# Templates are JSON of any shape, and narrowing Any makes it partially unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import Self

from prefect._base.dual import in_thread
from prefect._version import __version__
from prefect.deployments._templates import filled
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.objects import Flow
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import WorkPool

COMMAND = "prefect flow-run execute"
_LABEL = "prefect.io/"


class BaseJobConfiguration(BaseModel):
    """How the infrastructure of a run is made; workers derive theirs.

    A field is filled from the variable of its name, or from the template that it declares:
    `Field(json_schema_extra={"template": …})`.

    Attributes:
        command: executes the run; `prefect flow-run execute` unless given.
        env: environment variables; None removes one.
        labels: kept with the infrastructure.
        name: of the infrastructure; the run's unless given.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # it may be a secret of a block

    command: str | None = Field(
        default=None, description="Executes the run; leave it empty for the usual one."
    )
    env: dict[str, str | None] = Field(
        default_factory=dict, title="Environment Variables", description="Set for the run, by name."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Kept with the infrastructure of the run, by name."
    )
    name: str | None = Field(default=None, description="What the infrastructure of the run is called.")

    @field_validator("command")
    @classmethod
    def _no_empty_command(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("env", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {str(name): None if one is None else str(one) for name, one in value.items()}

    @property
    def is_using_a_runner(self) -> bool:
        """Whether the command is the usual one."""
        return self.command is not None and "prefect flow-run execute" in self.command

    @classmethod
    async def from_template_and_values(
        cls, base_job_template: dict[str, Any], values: dict[str, Any], client: PrefectClient | None = None
    ) -> Self:
        """The configuration for a pool's template and job variables.

        Variables come from `values`, or else from the defaults in the template's schema. References to blocks,
        variables and the environment are resolved in both.

        Args:
            base_job_template: `{"job_configuration": …, "variables": a JSON schema}`.
            values: job variables by name.
            client: not used: blocks are read from the API that the settings name.

        Raises:
            ObjectNotFound: there is no such block.
            ValueError: there is no such variable; the message names the placeholder.
            ValidationError: it does not fit the configuration.
        """
        _ = client
        template = base_job_template.get("job_configuration", {})
        defaults = _defaults(base_job_template.get("variables", {}))
        return cls.model_validate(await in_thread(_resolved, template, {**defaults, **values}))

    @classmethod
    async def resolve_for_flow_run(
        cls,
        flow_run: FlowRun,
        *,
        client: PrefectClient,
        work_pool: WorkPool,
        worker_name: str,
        worker_id: UUID | None = None,
        deployment: DeploymentResponse | None = None,
    ) -> Self:
        """The configuration for a run: from its pool, its deployment's job variables and its own; prepared.

        Raises:
            ObjectNotFound: there is no such block, deployment or flow.
            ValidationError: it does not fit the configuration.
        """
        if deployment is None and flow_run.deployment_id is not None:
            deployment = await client.read_deployment(flow_run.deployment_id)
        flow = await client.read_flow(flow_run.flow_id)
        deployed = (deployment.job_variables if deployment is not None else None) or {}
        values = {**deployed, **(flow_run.job_variables or {})}
        made = await cls.from_template_and_values(work_pool.base_job_template, values, client)
        made.prepare_for_flow_run(
            flow_run,
            deployment=deployment,
            flow=flow,
            work_pool=work_pool,
            worker_name=worker_name,
            worker_id=worker_id,
        )
        return made

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """The configuration as a template: for each field its own, or the variable of its name."""
        properties: dict[str, dict[str, Any]] = cls.model_json_schema().get("properties", {})
        return {name: schema.get("template", f"{{{{ {name} }}}}") for name, schema in properties.items()}

    def prepare_for_flow_run(  # noqa: PLR0917 - the signature of the API
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        flow: Flow | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        worker_id: UUID | None = None,
    ) -> None:
        """Complete it for a run: its settings, labels, command and name; what is there already stays."""
        self.env = {
            **self._base_environment(),
            **self._base_flow_run_environment(flow_run),
            **_attribution(deployment, flow, worker_name, worker_id),
            **self.env,
        }
        self.labels = {
            **self._base_flow_run_labels(flow_run),
            **self._base_work_pool_labels(work_pool),
            **self._base_worker_name_label(worker_name),
            **self._base_flow_labels(flow),
            **self._base_deployment_labels(deployment),
            **self.labels,
        }
        self.name = self.name or flow_run.name
        self.command = self.command or self._base_flow_run_command()

    @staticmethod
    def _base_flow_run_command() -> str:
        return COMMAND

    @staticmethod
    def _base_environment() -> dict[str, str]:
        """The settings of this process."""
        return get_current_settings().to_environment_variables(exclude_unset=True)

    @staticmethod
    def _base_flow_run_environment(flow_run: FlowRun | None) -> dict[str, str]:
        return {} if flow_run is None else {"PREFECT__FLOW_RUN_ID": str(flow_run.id)}

    @staticmethod
    def _base_flow_run_labels(flow_run: FlowRun | None) -> dict[str, str]:
        if flow_run is None:
            return {}
        return _labels({"flow-run-id": flow_run.id, "flow-run-name": flow_run.name, "version": __version__})

    @staticmethod
    def _base_work_pool_labels(work_pool: WorkPool | None) -> dict[str, str]:
        if work_pool is None:
            return {}
        return _labels({"work-pool-name": work_pool.name, "work-pool-id": work_pool.id})

    @staticmethod
    def _base_worker_name_label(worker_name: str | None) -> dict[str, str]:
        return {} if worker_name is None else _labels({"worker-name": worker_name})

    @staticmethod
    def _base_flow_labels(flow: Flow | None) -> dict[str, str]:
        return {} if flow is None else _labels({"flow-id": flow.id, "flow-name": flow.name})

    @staticmethod
    def _base_deployment_labels(deployment: DeploymentResponse | None) -> dict[str, str]:
        if deployment is None:
            return {}
        labels = _labels({"deployment-id": deployment.id, "deployment-name": deployment.name})
        if deployment.updated is not None:
            labels |= _labels({"deployment-updated": deployment.updated.isoformat()})
        return labels


class BaseVariables(BaseModel):
    """What a pool's users may say of the infrastructure of their runs; workers derive theirs."""

    model_config = ConfigDict(extra="ignore")

    name: str | None = Field(default=None, description="What the infrastructure of the run is called.")
    env: dict[str, str | None] = Field(
        default_factory=dict, title="Environment Variables", description="Set for the run, by name."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Kept with the infrastructure of the run, by name."
    )
    command: str | None = Field(
        default=None, description="Executes the run; leave it empty for the usual one."
    )

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,
        ref_template: str = "#/definitions/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Literal["validation", "serialization"] = "validation",
        *,
        union_format: Literal["any_of", "primitive_type_array"] = "any_of",
    ) -> dict[str, Any]:
        """The JSON schema of the variables, its parts under `definitions`."""
        more: dict[str, Any] = {} if union_format == "any_of" else {"union_format": union_format}
        return super().model_json_schema(by_alias is not False, ref_template, schema_generator, mode, **more)


def default_template(
    configuration: type[BaseJobConfiguration], variables: type[BaseVariables] | None
) -> dict[str, Any]:
    """The base job template of a worker's classes; without variables, the fields of the configuration are some."""
    if variables is not None:
        schema = variables.model_json_schema()
    else:
        schema = configuration.model_json_schema(ref_template="#/definitions/{model}")
    if "$defs" in schema:
        schema["definitions"] = schema.pop("$defs")
    for about in schema.get("properties", {}).values():
        about.pop("template", None)
    schema.pop("title", None)
    schema.pop("description", None)
    return {"job_configuration": configuration.json_template(), "variables": schema}


def _defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """The defaults of a schema's properties; one that is None is none."""
    found: dict[str, Any] = {}
    for name, about in cast("dict[str, dict[str, Any]]", schema.get("properties", {})).items():
        if about.get("default") is not None:
            found[name] = about["default"]
    return found


def _resolved(template: Any, values: dict[str, Any]) -> Any:
    """A template with everything filled in. Blocks: this asks the API."""
    known = _only_references(values)
    configuration: dict[str, Any] = filled(template, known, strict=True)
    own, given = template.get("env"), known.get("env")
    if isinstance(own, dict) and isinstance(
        given, dict
    ):  # a template with variables of its own gets the others too
        configuration["env"] = {**configuration.get("env", {}), **given}
    return configuration


_REFERENCE = re.compile(r"{{\s*(?:prefect\.(?:blocks|variables)\.|\$)")


def _only_references(value: Any) -> Any:
    """Job variables with what refers to blocks, variables and the environment filled in, and nothing else."""
    if isinstance(value, dict):
        return {key: _only_references(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_only_references(one) for one in value]
    if isinstance(value, str) and _REFERENCE.search(value):
        return filled(value, {}, keep_unknown=True, strict=True)
    return value


def _labels(given: dict[str, Any]) -> dict[str, str]:
    return {f"{_LABEL}{name}": str(value) for name, value in given.items()}


def _attribution(
    deployment: DeploymentResponse | None, flow: Flow | None, worker_name: str | None, worker_id: UUID | None
) -> dict[str, str]:
    """Who executes what, for those who read a process's environment."""
    given = {
        "PREFECT__WORKER_ID": worker_id,
        "PREFECT__WORKER_NAME": worker_name,
        "PREFECT__FLOW_ID": flow.id if flow is not None else None,
        "PREFECT__FLOW_NAME": flow.name if flow is not None else None,
        "PREFECT__DEPLOYMENT_ID": deployment.id if deployment is not None else None,
        "PREFECT__DEPLOYMENT_NAME": deployment.name if deployment is not None else None,
    }
    return {name: str(value) for name, value in given.items() if value is not None}

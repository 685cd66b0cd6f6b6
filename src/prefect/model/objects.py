"""What else is stored: flows, logs, artifacts, variables, and what surrounds them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from pydantic import Field, IPvAnyNetwork, field_validator

from prefect.model.base import DateTime, Labels, Name, ObjectBaseModel, PrefectBaseModel

MAXIMUM_METADATA_LENGTH = 500
MAX_VARIABLE_NAME_LENGTH = 255


class Flow(ObjectBaseModel):
    """A flow, known by its name."""

    name: Name
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)


class Log(ObjectBaseModel):
    """One log line of a run."""

    name: str
    level: int
    message: str
    timestamp: DateTime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class FlowRunInput(ObjectBaseModel):
    """Something that was sent to a flow run; `value` is JSON."""

    flow_run_id: UUID
    key: str
    value: str
    sender: str | None = None

    @property
    def decoded_value(self) -> Any:
        """The value that the JSON stands for."""
        return json.loads(self.value)


class Artifact(ObjectBaseModel):
    """Something that a run shows to people. The values of its metadata are shortened to 500 characters."""

    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: dict[str, Any] | Any | None = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    @field_validator("metadata_")
    @classmethod
    def validate_metadata_length(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        """Shorten what is too long to show."""
        return None if value is None else {key: _shortened(text) for key, text in value.items()}


def _shortened(text: str) -> str:
    return text if len(text) <= MAXIMUM_METADATA_LENGTH else text[:MAXIMUM_METADATA_LENGTH] + "..."


class ArtifactCollection(ObjectBaseModel):
    """The artifacts of one key, as its latest one shows them."""

    key: str
    latest_id: UUID
    type: str | None = None
    description: str | None = None
    data: dict[str, Any] | Any | None = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class Variable(ObjectBaseModel):
    """A named JSON value."""

    name: str = Field(max_length=MAX_VARIABLE_NAME_LENGTH)
    value: str | int | bool | float | dict[str, Any] | list[Any] | None
    tags: list[str] = Field(default_factory=list)


class Configuration(ObjectBaseModel):
    """A value that the server keeps for itself."""

    key: str
    value: dict[str, Any]


class SavedSearchFilter(PrefectBaseModel):
    """One condition of a saved search."""

    object: str
    property: str
    type: str
    operation: str
    value: Any


class SavedSearch(ObjectBaseModel):
    """Conditions under a name."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list[SavedSearchFilter])


class CsrfToken(ObjectBaseModel):
    """A token against forged requests."""

    token: str
    client: str
    expiration: DateTime


class Workspace(PrefectBaseModel):
    """A workspace of a hosted service."""

    account_id: UUID
    account_name: str
    account_handle: str
    workspace_id: UUID
    workspace_name: str
    workspace_description: str
    workspace_handle: str

    @property
    def handle(self) -> str:
        """`account/workspace`."""
        return f"{self.account_handle}/{self.workspace_handle}"

    def __hash__(self) -> int:  # type: ignore[override]  # equal workspaces have equal handles
        return hash(self.handle)


class IPAllowlistEntry(PrefectBaseModel):
    """A network from which a hosted service may be reached."""

    ip_network: IPvAnyNetwork
    enabled: bool
    description: str | None = None
    last_seen: str | None = None


class IPAllowlist(PrefectBaseModel):
    """The networks from which a hosted service may be reached."""

    entries: list[IPAllowlistEntry]


class IPAllowlistMyAccessResponse(PrefectBaseModel):
    """Whether the asker may reach the service."""

    allowed: bool
    detail: str

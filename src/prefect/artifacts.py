"""Artifacts: what a run shows to people. Links, Markdown, tables, progress, images.

Each function records one, together with the flow run and task run in which it is called, and gives its id. Under a
running event loop it gives an awaitable, unless a sync flow or task calls it; the functions that begin with `a`
always do.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from typing_extensions import Self

from prefect._base import current
from prefect._base.drive import Call, drive_async
from prefect.client._use import Using, either
from prefect.model.objects import Artifact as ArtifactResponse
from prefect.model.requests.artifacts import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactCollectionSort,
    ArtifactCreate,
    ArtifactUpdate,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client._use import AnyClient
    from prefect.model.objects import ArtifactCollection

    Steps = Generator[Any, Any, Any]

Table = dict[str, list[Any]] | list[dict[str, Any]] | list[list[Any]]


class Artifact(ArtifactCreate):
    """An artifact to be recorded. Subclasses say by `format` what is recorded of them.

    Attributes:
        key: lowercase letters, digits and dashes; artifacts of one key are versions of one thing.
        type: "markdown", "table", "progress", "image", or any other text.
        description: what it shows, in Markdown.
        data: anything that JSON can hold.
    """

    def create(self, client: AnyClient = None) -> ArtifactResponse:
        """Record it. Under a running event loop, an awaitable of that."""
        return either(self._create(client))

    async def acreate(self, client: AnyClient = None) -> ArtifactResponse:
        """The async form of `create`."""
        return await drive_async(self._create(client))

    @classmethod
    def get(cls, key: str | None = None, client: AnyClient = None) -> ArtifactResponse | None:
        """The latest artifact of a key (without one, of all keys), or None."""
        return either(cls._get(key, client))

    @classmethod
    async def aget(cls, key: str | None = None, client: AnyClient = None) -> ArtifactResponse | None:
        """The async form of `get`."""
        return await drive_async(cls._get(key, client))

    @classmethod
    def get_or_create(
        cls,
        key: str | None = None,
        description: str | None = None,
        data: dict[str, Any] | Any | None = None,
        client: AnyClient = None,
        **kwargs: Any,
    ) -> tuple[ArtifactResponse, bool]:
        """The latest artifact of the key, and whether it was recorded now because there was none."""
        return either(cls._get_or_create(client, key=key, description=description, data=data, **kwargs))

    @classmethod
    async def aget_or_create(
        cls,
        key: str | None = None,
        description: str | None = None,
        data: dict[str, Any] | Any | None = None,
        client: AnyClient = None,
        **kwargs: Any,
    ) -> tuple[ArtifactResponse, bool]:
        """The async form of `get_or_create`."""
        return await drive_async(
            cls._get_or_create(client, key=key, description=description, data=data, **kwargs)
        )

    def format(self) -> str | float | int | dict[str, Any]:
        """What is recorded as its data."""
        return json.dumps(self.data)

    async def aformat(self) -> str | float | int | dict[str, Any]:
        """The async form of `format`."""
        return self.format()

    def _create(self, client: AnyClient) -> Steps:
        data = yield Call(self.format, afn=self.aformat)
        flow_run, task_run = _present_runs()
        artifact = ArtifactCreate(
            key=self.key,
            type=self.type,
            description=self.description,
            data=data,
            metadata_=self.metadata_,
            flow_run_id=self.flow_run_id or flow_run,
            task_run_id=self.task_run_id or task_run,
        )
        return (yield Using(client, "create_artifact", artifact=artifact))

    @classmethod
    def _get(cls, key: str | None, client: AnyClient) -> Steps:
        wanted = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key])) if key else None
        found = yield Using(
            client,
            "read_latest_artifacts",
            artifact_filter=wanted,
            sort=ArtifactCollectionSort.UPDATED_DESC,
            limit=1,
        )
        return _latest_of(found[0]) if found else None

    @classmethod
    def _get_or_create(cls, client: AnyClient, **given: Any) -> Steps:
        found = (yield from cls._get(given["key"], client)) if given["key"] else None
        if found is not None:
            return found, False
        made: Self = cls(**{name: value for name, value in given.items() if value is not None})
        return (yield from made._create(client)), True


def _latest_of(collection: ArtifactCollection) -> ArtifactResponse:
    fields = collection.model_dump(exclude={"id", "latest_id"})
    return ArtifactResponse(id=collection.latest_id, **fields)


def _present_runs() -> tuple[UUID | None, UUID | None]:
    """The flow run and the task run that this code is part of."""
    task_run, flow_run = current.task_run.get(), current.flow_run.get()
    flow_run_id = flow_run.record.id if flow_run is not None else None
    if flow_run_id is None and task_run is not None:
        flow_run_id = task_run.record.flow_run_id
    task_run_id = task_run.record.id if task_run is not None else None
    return _uuid(flow_run_id), _uuid(task_run_id)


def _uuid(id: bytes | None) -> UUID | None:
    return UUID(bytes=id) if id is not None else None


class LinkArtifact(Artifact):
    """A link, recorded as Markdown."""

    link: str
    link_text: str | None = None
    type: str | None = "markdown"

    def format(self) -> str:
        """The link in Markdown."""
        return f"[{self.link_text or self.link}]({self.link})"


class MarkdownArtifact(Artifact):
    """A text in Markdown."""

    markdown: str
    type: str | None = "markdown"

    def format(self) -> str:
        """The text."""
        return self.markdown


class TableArtifact(Artifact):
    """A table: columns by name, rows as dicts, or rows as lists."""

    table: Table
    type: str | None = "table"

    def format(self) -> str:
        """The table as JSON; what is not a number is null."""
        return json.dumps(_without_nan(self.table))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in cast("list[Any]", value)]
    return None if isinstance(value, float) and math.isnan(value) else value


class ProgressArtifact(Artifact):
    """How far something is: 0 to 100. What lies outside counts as the nearer end."""

    progress: float
    type: str | None = "progress"

    def format(self) -> float:
        """The percentage."""
        return _percentage(self.progress)


def _percentage(progress: float) -> float:
    return min(max(progress, 0.0), 100.0)


class ImageArtifact(Artifact):
    """A picture at a public URL."""

    image_url: str
    type: str | None = "image"

    def format(self) -> str:
        """The URL."""
        return self.image_url


def _id_of(artifact: Artifact, client: AnyClient = None) -> Generator[Any, Any, UUID]:
    made = yield from artifact._create(client)
    return made.id


def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: AnyClient = None,
) -> UUID:
    """Record a link; its id. Raises pydantic's ValidationError where the key is not one."""
    artifact = LinkArtifact(key=key, description=description, link=link, link_text=link_text)
    return either(_id_of(artifact, client))


async def acreate_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: AnyClient = None,
) -> UUID:
    """The async form of `create_link_artifact`."""
    artifact = LinkArtifact(key=key, description=description, link=link, link_text=link_text)
    return await drive_async(_id_of(artifact, client))


def create_markdown_artifact(markdown: str, key: str | None = None, description: str | None = None) -> UUID:
    """Record a text in Markdown; its id. Raises pydantic's ValidationError where the key is not one."""
    return either(_id_of(MarkdownArtifact(key=key, description=description, markdown=markdown)))


async def acreate_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> UUID:
    """The async form of `create_markdown_artifact`."""
    return await drive_async(_id_of(MarkdownArtifact(key=key, description=description, markdown=markdown)))


def create_table_artifact(table: Table, key: str | None = None, description: str | None = None) -> UUID:
    """Record a table; its id.

    Args:
        table: columns by name, rows as dicts, or rows as lists.
        key: see `Artifact`.
        description: in Markdown.

    Raises:
        pydantic.ValidationError: the table or the key is not one.
        TypeError: JSON cannot hold a cell.
    """
    return either(_id_of(TableArtifact(key=key, description=description, table=table)))


async def acreate_table_artifact(
    table: Table, key: str | None = None, description: str | None = None
) -> UUID:
    """The async form of `create_table_artifact`."""
    return await drive_async(_id_of(TableArtifact(key=key, description=description, table=table)))


def create_progress_artifact(progress: float, key: str | None = None, description: str | None = None) -> UUID:
    """Record how far something is, 0 to 100; its id, for `update_progress_artifact`."""
    return either(_id_of(ProgressArtifact(key=key, description=description, progress=progress)))


async def acreate_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> UUID:
    """The async form of `create_progress_artifact`."""
    return await drive_async(_id_of(ProgressArtifact(key=key, description=description, progress=progress)))


def update_progress_artifact(
    artifact_id: UUID, progress: float, description: str | None = None, client: AnyClient = None
) -> UUID:
    """Move a progress on; its id. Raises ObjectNotFound where there is none."""
    return either(_update(artifact_id, progress, description, client))


async def aupdate_progress_artifact(
    artifact_id: UUID, progress: float, description: str | None = None, client: AnyClient = None
) -> UUID:
    """The async form of `update_progress_artifact`."""
    return await drive_async(_update(artifact_id, progress, description, client))


def _update(
    artifact_id: UUID, progress: float, description: str | None, client: AnyClient
) -> Generator[Any, Any, UUID]:
    changes: dict[str, Any] = {"data": _percentage(progress)}
    if description is not None:
        changes["description"] = description
    yield Using(client, "update_artifact", artifact_id=artifact_id, artifact=ArtifactUpdate(**changes))
    return artifact_id


def create_image_artifact(image_url: str, key: str | None = None, description: str | None = None) -> UUID:
    """Record a picture at a public URL; its id. Raises pydantic's ValidationError where the key is not one."""
    return either(_id_of(ImageArtifact(key=key, description=description, image_url=image_url)))


async def acreate_image_artifact(
    image_url: str, key: str | None = None, description: str | None = None
) -> UUID:
    """The async form of `create_image_artifact`."""
    return await drive_async(_id_of(ImageArtifact(key=key, description=description, image_url=image_url)))

"""Artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._api import artifacts
from prefect.client._method import Caller, method
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.artifacts import FilterArtifacts, FilterLatestArtifacts

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client._method import Steps
    from prefect.model.objects import Artifact, ArtifactCollection
    from prefect.model.requests.artifacts import (
        ArtifactCollectionFilter,
        ArtifactCollectionSort,
        ArtifactCreate,
        ArtifactFilter,
        ArtifactSort,
        ArtifactUpdate,
    )
    from prefect.model.requests.flow_runs import FlowRunFilter
    from prefect.model.requests.task_runs import TaskRunFilter


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """Without what is None: a server of Prefect 3.9 takes no filter that is null."""
    return {name: value for name, value in given.items() if value is not None}


class ArtifactMethods(Caller):
    """What both clients ask about artifacts."""

    @method
    def create_artifact(self, artifact: ArtifactCreate) -> Steps[Artifact]:
        """Record an artifact."""
        return (yield self._ask(artifacts.create_artifact, body=artifact))

    @method
    def update_artifact(self, artifact_id: UUID, artifact: ArtifactUpdate) -> Steps[None]:
        """Change an artifact. Raises ObjectNotFound."""
        yield self._ask(artifacts.update_artifact, id=artifact_id, body=artifact)

    @method
    def read_artifacts(
        self,
        *,
        artifact_filter: ArtifactFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: ArtifactSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[Artifact]]:
        """The artifacts that pass the filters, the newest first."""
        given: dict[str, Any] = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "sort": sort,
            "limit": limit,
            "offset": offset,
        }
        body = FilterArtifacts.model_validate(_said(given))
        return (yield self._ask(artifacts.read_artifacts, body=body))

    @method
    def read_latest_artifacts(
        self,
        *,
        artifact_filter: ArtifactCollectionFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: ArtifactCollectionSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Steps[list[ArtifactCollection]]:
        """The keys whose latest artifacts pass the filters."""
        given: dict[str, Any] = {
            "artifacts": artifact_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "sort": sort,
            "limit": limit,
            "offset": offset,
        }
        body = FilterLatestArtifacts.model_validate(_said(given))
        return (yield self._ask(artifacts.read_latest_artifacts, body=body))

    @method
    def read_latest_artifact(self, key: str) -> Steps[Artifact | None]:
        """The latest artifact of a key, or None."""
        try:
            return (yield self._ask(artifacts.read_latest_artifact, key=key))
        except ObjectNotFound:
            return None

    @method
    def delete_artifact(self, artifact_id: UUID) -> Steps[None]:
        """Remove an artifact. Raises ObjectNotFound."""
        yield self._ask(artifacts.delete_artifact, id=artifact_id)

"""Artifacts: what runs show to people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect._api.artifacts import delete_artifact, read_artifact, read_artifacts, read_latest_artifacts
from prefect._api.flow_runs import read_flow_run
from prefect.exceptions import ObjectNotFound
from prefect.model.objects import Artifact
from prefect.model.requests.artifacts import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactCollectionFilterType,
    ArtifactFilter,
    ArtifactFilterKey,
    FilterArtifacts,
    FilterLatestArtifacts,
)
from prefect.server.ui.artifact_forms import compared, part_of, rows_of, text_of_data
from prefect.server.ui.form_values import text_of
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.paging import offset_of

PAGE = 50
LIST = "/artifacts"
TYPES = ("markdown", "table", "progress", "image")


@page("/artifacts")
def show_artifacts(asked: Asked) -> View:
    """The latest artifact of each key, what came last first."""
    key, kind = asked.query.get("q"), asked.query.get("type")
    wanted = ArtifactCollectionFilter(
        key=ArtifactCollectionFilterKey(like_=key) if key else None,
        type=ArtifactCollectionFilterType(any_=[kind]) if kind in TYPES else None,
    )
    offset = offset_of(asked)
    found = read_latest_artifacts(
        asked.api, FilterLatestArtifacts(artifacts=wanted, limit=PAGE + 1, offset=offset)
    )
    more = offset + PAGE if len(found) > PAGE else None
    return View("artifacts.html", "Artifacts", {"artifacts": found[:PAGE], "types": TYPES, "next": more})


@page("/artifacts/artifact/{id}")
def show_artifact(asked: Asked, id: UUID) -> View:
    """One artifact, shown as what it is."""
    artifact = read_artifact(asked.api, id)
    raw = asked.query.get("tab") == "raw"
    values = {
        "artifact": artifact,
        "raw": text_of_data(artifact) if raw else None,
        "run": _run_of(asked, artifact),
        "may_delete": asked.may(delete_artifact),
        **({} if raw else _content(artifact)),
    }
    return View("artifact.html", artifact.key or "Artifact", values)


@page("/artifacts/key/{key}")
def show_versions(asked: Asked, key: str) -> View:
    """The artifacts of a key, newest first; two of them compared."""
    of_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    offset = offset_of(asked)
    found = read_artifacts(asked.api, FilterArtifacts(artifacts=of_key, limit=PAGE + 1, offset=offset))
    if not found and not offset:
        raise ObjectNotFound(help_message="Artifact not found.")
    before, after = _two_of(asked, found)
    values = {
        "key": key,
        "versions": found[:PAGE],
        "next": offset + PAGE if len(found) > PAGE else None,
        "before": before,
        "after": after,
        "lines": compared(before, after) if before and after else [],
    }
    return View("artifact_versions.html", key, values)


@page("/artifacts/artifact/{id}/delete", "POST")
def remove_artifact(asked: Asked, id: UUID) -> Move:
    """Remove an artifact."""
    asked.do(delete_artifact, id)
    return Move(LIST, f"Artifact {text_of(asked, 'called')} was deleted.")


def _content(artifact: Artifact) -> dict[str, Any]:
    from prefect.server.ui.markdown import html_of_markdown  # takes 30 ms: the server starts without it

    data = artifact.data
    kind = artifact.type
    return {
        "rendered": html_of_markdown(data) if kind == "markdown" and isinstance(data, str) else None,
        "about": html_of_markdown(artifact.description) if artifact.description else None,
        "table": rows_of(data) if kind == "table" else None,
        "part": part_of(data) if kind == "progress" else None,
        "image": data if kind == "image" and isinstance(data, str) else None,
        "text": text_of_data(artifact),
    }


def _run_of(asked: Asked, artifact: Artifact) -> str | None:
    """The name of the run that made it; None where that is gone."""
    if artifact.flow_run_id is None:
        return None
    try:
        return read_flow_run(asked.api, artifact.flow_run_id).name
    except ObjectNotFound:
        return None


def _two_of(asked: Asked, found: list[Artifact]) -> tuple[Artifact | None, Artifact | None]:
    """Which two are compared: those that the query names, else the newest and the one before it."""
    by_id = {str(one.id): one for one in found}
    after = by_id.get(asked.query.get("after", ""), found[0] if found else None)
    if after is None:
        return None, None
    place = found.index(after)
    earlier = found[place + 1] if place + 1 < len(found) else None
    return by_id.get(asked.query.get("before", ""), earlier), after

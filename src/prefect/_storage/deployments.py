"""The SQL of deployments and their schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries, Transaction


NEVER = 2**62  # as a time


class DeploymentRecord(NamedTuple):
    """A deployment."""

    id: bytes
    flow_id: bytes
    name: str
    created: int
    updated: int
    version: str | None = None
    description: str | None = None
    paused: int = 0
    concurrency_limit_id: bytes | None = None
    concurrency_options: dict[str, Any] | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012 - never written to; a NamedTuple default
    parameter_openapi_schema: dict[str, Any] | None = {}  # noqa: RUF012
    enforce_parameter_schema: int = 1
    tags: list[str] = []  # noqa: RUF012
    labels: dict[str, Any] = {}  # noqa: RUF012
    pull_steps: list[dict[str, Any]] | None = []  # noqa: RUF012
    work_queue_id: bytes | None = None
    path: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] = {}  # noqa: RUF012
    storage_document_id: bytes | None = None
    infrastructure_document_id: bytes | None = None
    created_by: dict[str, Any] | None = None
    updated_by: dict[str, Any] | None = None
    last_polled: int | None = None
    status: str = "NOT_READY"


class ScheduleRecord(NamedTuple):
    """A schedule of a deployment. See the migration for `scheduled_until` and `look_again`."""

    id: bytes
    deployment_id: bytes
    schedule: dict[str, Any]
    created: int
    updated: int
    active: int = 1
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012 - never written to; a NamedTuple default
    slug: str | None = None
    scheduled_until: int = 0
    look_again: int = 0
    overlap: str | None = None
    catch_up: str | None = None


DEPLOYMENTS = Table(
    "deployment",
    DeploymentRecord,
    json=(
        "concurrency_options",
        "parameters",
        "parameter_openapi_schema",
        "tags",
        "labels",
        "pull_steps",
        "job_variables",
        "created_by",
        "updated_by",
    ),
    times=("created", "updated", "last_polled"),
    alias="d",
)
SCHEDULES = Table("deployment_schedule", ScheduleRecord, json=("schedule", "parameters"))


# how many runs may be active at once; as a filter and an order know it
CONCURRENCY_LIMIT = "(SELECT l.slot_limit FROM concurrency_limit l WHERE l.id = d.concurrency_limit_id)"


class Flow(NamedTuple):
    """What a deployment and its runs take from their flow."""

    id: bytes
    name: str
    labels: str


def flow_of(source: Queries, flow_id: bytes) -> Flow | None:
    """The flow of a deployment."""
    row = source.row("SELECT id, name, labels FROM flow WHERE id = ?", (flow_id,))
    return Flow._make(row) if row else None


def flow_named(source: Queries, name: str) -> Flow | None:
    """The flow of that name."""
    row = source.row("SELECT id, name, labels FROM flow WHERE name = ?", (name,))
    return Flow._make(row) if row else None


def queue_names(source: Queries, queue_ids: Sequence[bytes]) -> dict[bytes, tuple[str, str, bytes]]:
    """For each queue its name, and its pool's name and id."""
    if not queue_ids:
        return {}
    marks = ",".join("?" * len(queue_ids))
    rows = source.rows(
        "SELECT q.id, q.name, p.name, p.id FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id "  # noqa: S608
        f"WHERE q.id IN ({marks})",
        queue_ids,
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def polled(cx: Transaction, ids: Sequence[bytes], now: int) -> None:
    """Somebody has asked for runs of these deployments: they are ready."""
    marks = ",".join("?" * len(ids))
    cx.execute(
        f"UPDATE deployment SET last_polled = ?, status = 'READY' WHERE id IN ({marks})",  # noqa: S608
        (now, *ids),
    )


def due_schedules(source: Queries, now: int, limit: int) -> list[bytes]:
    """The active schedules for which more runs are wanted by now."""
    rows = source.rows(
        "SELECT id FROM deployment_schedule WHERE active = 1 AND look_again <= ? ORDER BY look_again LIMIT ?",
        (now, limit),
    )
    return [row[0] for row in rows]


def reset_schedules(cx: Transaction, deployment_id: bytes, look_again: int) -> None:
    """Runs for the schedules of a deployment are made afresh, from then on."""
    cx.execute(
        "UPDATE deployment_schedule SET scheduled_until = 0, look_again = ? WHERE deployment_id = ?",
        (look_again, deployment_id),
    )


def of_deployment(deployment_id: bytes) -> Clause:
    """Which schedules: those of a deployment."""
    return clauses.compare("deployment_id", "=", deployment_id)

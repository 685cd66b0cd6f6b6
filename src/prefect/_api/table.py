"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import (
    admin,
    artifacts,
    audit,
    concurrency,
    csrf,
    deployed_runs,
    deployment_schedules,
    deployments,
    events,
    logs,
    polled_runs,
    root,
    tag_limits,
    task_run_lists,
    task_runs,
    tokens,
    users,
    variables,
    work_pools,
    work_queues,
    workers,
)
from prefect._api.endpoint import TABLE

__all__ = [
    "TABLE",
    "admin",
    "artifacts",
    "audit",
    "concurrency",
    "csrf",
    "deployed_runs",
    "deployment_schedules",
    "deployments",
    "events",
    "logs",
    "polled_runs",
    "root",
    "tag_limits",
    "task_run_lists",
    "task_runs",
    "tokens",
    "users",
    "variables",
    "work_pools",
    "work_queues",
    "workers",
]

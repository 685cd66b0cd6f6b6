"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import (
    admin,
    artifacts,
    audit,
    automations,
    block_documents,
    block_types,
    concurrency,
    csrf,
    events,
    logs,
    root,
    saved_searches,
    tag_limits,
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
    "automations",
    "block_documents",
    "block_types",
    "concurrency",
    "csrf",
    "events",
    "logs",
    "root",
    "saved_searches",
    "tag_limits",
    "tokens",
    "users",
    "variables",
    "work_pools",
    "work_queues",
    "workers",
]

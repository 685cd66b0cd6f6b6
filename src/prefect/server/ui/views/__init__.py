"""The pages, by noun. Importing this package declares them all."""

from __future__ import annotations

from prefect.server.ui.page import PAGES
from prefect.server.ui.views import (
    artifacts,
    deployments,
    events,
    find,
    flows,
    home,
    limits,
    login,
    look,
    pools,
    run,
    run_actions,
    run_timeline,
    runs,
    runs_bulk,
    runs_export,
    saved_filters,
    settings,
    task_run,
    variables,
)

__all__ = [
    "PAGES",
    "artifacts",
    "deployments",
    "events",
    "find",
    "flows",
    "home",
    "limits",
    "login",
    "look",
    "pools",
    "run",
    "run_actions",
    "run_timeline",
    "runs",
    "runs_bulk",
    "runs_export",
    "saved_filters",
    "settings",
    "task_run",
    "variables",
]

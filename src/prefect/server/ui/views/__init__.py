"""The pages, by noun. Importing this package declares them all."""

from __future__ import annotations

from prefect.server.ui.page import PAGES
from prefect.server.ui.views import (
    deployments,
    home,
    login,
    look,
    run,
    run_actions,
    run_timeline,
    runs,
    runs_bulk,
    runs_export,
    saved_filters,
)

__all__ = [
    "PAGES",
    "deployments",
    "home",
    "login",
    "look",
    "run",
    "run_actions",
    "run_timeline",
    "runs",
    "runs_bulk",
    "runs_export",
    "saved_filters",
]

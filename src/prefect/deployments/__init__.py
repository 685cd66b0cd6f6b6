"""Deployments: flows with where, when and with what they run. Names are imported when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.base import initialize_project
    from prefect.deployments.flow_runs import arun_deployment, run_deployment
    from prefect.deployments.runner import RunnerDeployment, adeploy, deploy

__all__ = ["RunnerDeployment", "adeploy", "arun_deployment", "deploy", "initialize_project", "run_deployment"]

_HOMES = {
    "RunnerDeployment": "prefect.deployments.runner",
    "adeploy": "prefect.deployments.runner",
    "arun_deployment": "prefect.deployments.flow_runs",
    "deploy": "prefect.deployments.runner",
    "initialize_project": "prefect.deployments.base",
    "run_deployment": "prefect.deployments.flow_runs",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(home), name)
    return value

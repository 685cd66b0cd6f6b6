"""What `prefect.yaml` and the pull steps of deployments can do. Names are imported when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.steps.core import run_step
    from prefect.deployments.steps.pull import (
        agit_clone,
        git_clone,
        pull_from_remote_storage,
        pull_with_block,
        set_working_directory,
    )
    from prefect.deployments.steps.utility import pip_install_requirements, run_shell_script

_PULL = "prefect.deployments.steps.pull"
_UTILITY = "prefect.deployments.steps.utility"
_ROOMS = {
    "agit_clone": _PULL,
    "git_clone": _PULL,
    "pip_install_requirements": _UTILITY,
    "pull_from_remote_storage": _PULL,
    "pull_with_block": _PULL,
    "run_shell_script": _UTILITY,
    "run_step": "prefect.deployments.steps.core",
    "set_working_directory": _PULL,
}

__all__ = [
    "agit_clone",
    "git_clone",
    "pip_install_requirements",
    "pull_from_remote_storage",
    "pull_with_block",
    "run_shell_script",
    "run_step",
    "set_working_directory",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_ROOMS[name]), name)
    return value

"""What the executor of a run does before: the pull steps of its deployment."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from prefect._base.drive import run_awaitable
from prefect.deployments.steps.core import StepExecutionError, run_steps
from prefect.exceptions import PrefectException

if TYPE_CHECKING:
    from prefect.model.deployments import DeploymentResponse

_log = logging.getLogger("prefect.flow_runs")


def prepare(deployment: DeploymentResponse) -> Path | None:
    """Carry out the pull steps of a deployment in the working folder: the `pull` of `prefect._execute.execute`.

    Returns:
        The folder that the last step has named, absolute; None where none did: the code is in the working folder.

    Raises:
        PrefectException: a step failed; it says which, and why. Nothing secret stands in it.
    """
    here = Path.cwd()
    try:
        outputs = run_awaitable(
            run_steps(deployment.pull_steps or [], print_function=_log.debug, deployment=deployment)
        )
    except StepExecutionError as exc:
        raise PrefectException(
            f"The code of deployment '{deployment.name}' could not be fetched. {exc}"
        ) from exc
    directory = outputs.get("directory")
    return None if directory is None else _absolute(here, str(directory))


def _absolute(before: Path, directory: str) -> Path:
    """A step names a folder as seen from where it ran; `set_working_directory` has gone there already."""
    here = Path.cwd()
    if (before / directory).resolve() == here:
        return here
    return here / directory if (here / directory).is_dir() else before / directory

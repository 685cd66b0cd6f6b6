"""What the executor of a run does before: the pull steps of its deployment."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._base.drive import run_awaitable
from prefect._base.dual import in_thread
from prefect._loading import load_flow
from prefect.deployments.steps.core import StepExecutionError, run_steps
from prefect.exceptions import MissingFlowError, PrefectException

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.flows import Flow
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.runs import FlowRun

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


async def load_flow_from_flow_run(
    client: PrefectClient,
    flow_run: FlowRun,
    ignore_storage: bool = False,
    storage_base_path: str | None = None,
    use_placeholder_flow: bool = True,
) -> Flow[..., Any]:
    """Fetch the code of a deployment's run as its deployment says, and give its flow.

    The process is then in the folder of the code, as the executor of the run would be.

    Args:
        client: of the API.
        flow_run: the run.
        ignore_storage: the code is here already: carry out no pull steps, and stay in this folder.
        storage_base_path: what `$STORAGE_BASE_PATH` stands for in the path of the deployment.
        use_placeholder_flow: for compatibility; a flow that cannot be imported is an error.

    Raises:
        MissingFlowError: the run is of no deployment; or there is no such flow.
        ScriptError: the script raised while it was imported.
        PrefectException: the code could not be fetched; it says why.
    """
    _ = use_placeholder_flow
    if flow_run.deployment_id is None:
        raise MissingFlowError(
            f"Expected a run of a deployment, got '{flow_run.name}', which is of none: nothing says where its flow is."
        )
    deployment = await client.read_deployment(flow_run.deployment_id)
    if deployment.entrypoint is None:
        raise MissingFlowError(f"The deployment '{deployment.name}' has no entrypoint. Deploy it again.")
    return await in_thread(_loaded, deployment, deployment.entrypoint, ignore_storage, storage_base_path)


def _loaded(
    deployment: DeploymentResponse, entrypoint: str, ignore_storage: bool, base: str | None
) -> Flow[..., Any]:
    folder = None
    if deployment.pull_steps and not ignore_storage:
        folder = prepare(deployment)
    elif deployment.path and not ignore_storage:
        folder = Path(deployment.path.replace("$STORAGE_BASE_PATH", base or "."))
    if folder is not None:
        try:
            os.chdir(folder)
        except OSError as exc:
            raise PrefectException(
                f"Expected the folder {folder} of deployment '{deployment.name}', which cannot be entered "
                f"({exc.strerror}). Restore it, or deploy the flow from where it is now."
            ) from exc
    return load_flow(entrypoint)


def _absolute(before: Path, directory: str) -> Path:
    """A step names a folder as seen from where it ran; `set_working_directory` has gone there already."""
    here = Path.cwd()
    if (before / directory).resolve() == here:
        return here
    return here / directory if (here / directory).is_dir() else before / directory

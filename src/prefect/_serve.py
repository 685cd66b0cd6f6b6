"""`serve` and `aserve`: one process that executes the runs of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.flows import Flow


def serve(
    *args: Flow[..., Any] | RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
    **kwargs: Any,
) -> None:
    """Serve flows and deployments: execute their runs, scheduled or asked for, until SIGTERM or SIGINT.

    Without a server this process also makes the runs of schedules. SIGTERM lets the runs that are being executed
    finish; a second one ends them.

    Args:
        args: deployments from `Flow.to_deployment`, and flows; each flow is served under `name`.
        pause_on_shutdown: pause the schedules when this process ends.
        print_starting_message: say what is served, and how to ask for a run.
        limit: how many runs this process executes at once; PREFECT_RUNNER_PROCESS_LIMIT unless given.
        webserver: answer /health, /run_count and /shutdown over HTTP.
        kwargs: of the deployments of the flows: `name`, and `DeploymentOptions`.

    Raises:
        TypeError, ValueError: see `Flow.to_deployment`.
        DeploymentApplyError: a deployment cannot be registered.
    """
    from prefect.runner import _serving  # only programs that serve pay for it

    _serving.serve(
        args,
        kwargs,
        pause_on_shutdown=pause_on_shutdown,
        print_starting_message=print_starting_message,
        limit=limit,
        webserver=webserver,
    )


async def aserve(
    *args: Flow[..., Any] | RunnerDeployment,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
    **kwargs: Any,
) -> None:
    """The asynchronous form of `serve`."""
    from prefect.runner import _serving  # only programs that serve pay for it

    await _serving.aserve(
        args,
        kwargs,
        pause_on_shutdown=pause_on_shutdown,
        print_starting_message=print_starting_message,
        limit=limit,
        webserver=webserver,
    )

"""`serve`: flows and deployments, executed by this process until it is stopped."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._loading import is_importing
from prefect.deployments._options import check_names
from prefect.deployments.runner import RunnerDeployment
from prefect.runner.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect.flows import Flow

USUAL_NAME = "flow-deployment"


def serve(
    given: Sequence[Flow[..., Any] | RunnerDeployment],
    *,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
    options: dict[str, Any],
) -> None:
    """See `prefect.serve`. `options` are those of the flows among what is given."""
    if is_importing():  # a script that serves is imported to execute a run of what it serves
        return
    deployments = deployments_of(given, options)
    runner = Runner(
        _runner_name(deployments), pause_on_shutdown=pause_on_shutdown, limit=limit, webserver=webserver
    )
    for deployment in deployments:
        runner.add_deployment(deployment)
    if print_starting_message:
        _say(_starting_message(deployments))
    runner.run()


def deployments_of(
    given: Iterable[Flow[..., Any] | RunnerDeployment], options: dict[str, Any]
) -> list[RunnerDeployment]:
    """The deployments among what is given, and one for each flow.

    Raises:
        TypeError: something is neither; or options are given, and there is no flow that they could concern.
        ValueError: nothing is given.
    """
    parts = list(given)
    if not parts:
        raise ValueError("serve() expected flows, or deployments from to_deployment(), got none.")
    name = options.pop("name", None)
    check_names(options, "serve")
    found: list[RunnerDeployment] = []
    for part in parts:
        if isinstance(part, RunnerDeployment):
            found.append(part)
        elif hasattr(part, "to_deployment"):
            found.append(RunnerDeployment.from_flow(part, name or part.name, **options))
        else:
            raise TypeError(
                f"serve() expected flows, or deployments from to_deployment(), got {type(part).__name__}."
            )
    if (options or name) and all(isinstance(part, RunnerDeployment) for part in parts):
        named = ", ".join(["name"] * bool(name) + list(options))
        raise TypeError(f"serve() got {named}, which only concern flows: give them to to_deployment().")
    return found


def _runner_name(deployments: list[RunnerDeployment]) -> str:
    return deployments[0].name if len(deployments) == 1 else "runner"


def _starting_message(deployments: list[RunnerDeployment]) -> str:
    if len(deployments) == 1:
        name = deployments[0].full_name
        return (
            f"Your flow {deployments[0].flow_name!r} is being served and polling for scheduled runs!\n\n"
            f"To trigger a run for this flow, use the following command:\n\n"
            f"        $ prefect deployment run {name!r}\n"
        )
    names = "\n".join(f"        {one.full_name}" for one in deployments)
    return (
        "Your deployments are being served and polling for scheduled runs!\n\n"
        f"{names}\n\n"
        "To trigger any of these deployments, use the following command:\n\n"
        "        $ prefect deployment run [DEPLOYMENT_NAME]\n"
    )


def _say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)  # noqa: T201 - asked for by `print_starting_message`

"""`serve`: flows and deployments, executed by this process until it is stopped."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from prefect._base.notset import NotSet
from prefect._loading import is_left_out
from prefect.deployments._options import check_names
from prefect.deployments.runner import RunnerDeployment
from prefect.logging.configuration import setup_logging
from prefect.runner.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect.flows import Flow


def serve(given: Sequence[Flow[..., Any] | RunnerDeployment], options: dict[str, Any], **manner: Any) -> None:
    """See `prefect.serve`.

    Args:
        given: flows and deployments.
        options: of the deployments of the flows.
        manner: of the runner, see `prefect.serve`.
    """
    if is_left_out("serve"):  # a script that serves is imported to execute a run of what it serves
        return
    deployments, runner = _prepared(given, options, manner)
    for deployment in deployments:
        runner.add_deployment(deployment)
    _say(manner, deployments)
    runner.run()


async def aserve(
    given: Sequence[Flow[..., Any] | RunnerDeployment], options: dict[str, Any], **manner: Any
) -> None:
    """The asynchronous form of `serve`."""
    if is_left_out("serve"):
        return
    deployments, runner = _prepared(given, options, manner)
    for deployment in deployments:
        await runner.aadd_deployment(deployment)
    _say(manner, deployments)
    await runner.start()


def _prepared(
    given: Sequence[Flow[..., Any] | RunnerDeployment], options: dict[str, Any], manner: dict[str, Any]
) -> tuple[list[RunnerDeployment], Runner]:
    setup_logging()
    deployments = deployments_of(given, options)
    limit = manner["limit"]
    runner = Runner(
        deployments[0].name if len(deployments) == 1 else None,
        pause_on_shutdown=manner["pause_on_shutdown"],
        limit=NotSet if limit is None else limit,
        webserver=manner["webserver"],
    )
    return deployments, runner


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
    options = {key: value for key, value in options.items() if value is not None}
    name = options.pop("name", None)
    if "global_limit" in options:
        options["concurrency_limit"] = options.pop("global_limit")
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


def _say(manner: dict[str, Any], deployments: list[RunnerDeployment]) -> None:
    if manner["print_starting_message"]:
        print(_starting_message(deployments), file=sys.stdout, flush=True)  # noqa: T201 - asked for

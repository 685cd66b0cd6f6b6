"""The root of the command line: its commands, its global options, and how an error ends it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from prefect._base.tty import wants_colors
from prefect._version import __version__
from prefect.cli._command import Entry, LazyGroup
from prefect.cli._output import print_error
from prefect.cli._session import Session
from prefect.exceptions import PrefectException

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "api": Entry("prefect.cli.api:api", "Ask the API anything."),
    "artifact": Entry("prefect.cli.artifact:artifact", "See and delete artifacts.", ("artifacts",)),
    "block": Entry("prefect.cli.block:block", "See and delete blocks.", ("blocks",)),
    "concurrency-limit": Entry(
        "prefect.cli.concurrency_limit:concurrency_limit",
        "Limit how many task runs with a tag run at once.",
        ("concurrency-limits",),
    ),
    "config": Entry("prefect.cli.config:config", "View and change settings.", needs_settings=False),
    "database": Entry("prefect.cli.database:database", "See, upgrade, prune and reset the store of runs."),
    "deploy": Entry("prefect.cli.deploy:deploy", "Register deployments of a project file, or of a flow."),
    "deployment": Entry(
        "prefect.cli.deployment:deployment", "See, run and manage deployments.", ("deployments",)
    ),
    "flow": Entry("prefect.cli.flow:flow", "See flows, and serve them.", ("flows",)),
    "events": Entry("prefect.cli.events:events", "Follow events, and emit them.", ("event",)),
    "flow-run": Entry("prefect.cli.flow_run:flow_run", "See and manage flow runs.", ("flow-runs",)),
    "global-concurrency-limit": Entry(
        "prefect.cli.global_concurrency_limit:global_concurrency_limit",
        "Limit how much runs at once under a name.",
        ("global-concurrency-limits", "gcl"),
    ),
    "init": Entry("prefect.cli.init:init", "Begin a project: write a prefect.yaml."),
    "profile": Entry(
        "prefect.cli.profile:profile",
        "Keep and switch sets of settings.",
        ("profiles",),
        needs_settings=False,
    ),
    "server": Entry("prefect.cli.server:server", "Serve the API to flows, people and other machines."),
    "task": Entry("prefect.cli.task:task", "Execute background tasks."),
    "task-run": Entry("prefect.cli.task_run:task_run", "See task runs.", ("task-runs",)),
    "variable": Entry(
        "prefect.cli.variable:variable", "Keep values that flows look up by name.", ("variables",)
    ),
    "version": Entry("prefect.cli.version:version", "Show the version, and what it runs on."),
    "work-pool": Entry(
        "prefect.cli.work_pool:work_pool",
        "See and manage work pools: where the runs of deployments are executed.",
        ("work-pools",),
    ),
    "work-queue": Entry(
        "prefect.cli.work_queue:work_queue", "See and manage the queues of work pools.", ("work-queues",)
    ),
    "worker": Entry("prefect.cli.worker:worker", "Execute the runs of a work pool.", ("workers",)),
}


@click.group("prefect", cls=LazyGroup, entries=COMMANDS)
@click.option("--profile", "-p", metavar="NAME", help="Use this profile for this command.")
@click.option("--prompt/--no-prompt", default=None, help="Ask questions, or never do.")
@click.version_option(__version__, "--version", "-v", message="%(version)s", help="Show the version.")
@click.pass_context
def prefect(ctx: click.Context, profile: str | None, prompt: bool | None) -> None:
    """Run, observe and resume flows."""
    session = ctx.obj = Session(profile, prompt)
    ctx.color = wants_colors(sys.stdout)
    assert isinstance(ctx.command, LazyGroup)
    entry = ctx.command.entry(ctx.invoked_subcommand or "")
    if entry is not None and entry.needs_settings:
        session.activate(ctx)


def run(words: Sequence[str]) -> int:
    """Run a command line in this process.

    Args:
        words: the command line without the program's name.

    Returns:
        The exit code: 0, or 1 for a mistake; stderr says what was expected, what came, and what to do.
    """
    try:
        result: object = prefect.main(list(words), prog_name="prefect", standalone_mode=False)
    except click.Abort:
        print_error("Aborted.")
        return 1
    except click.UsageError as error:
        help_of = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
        print_error(error.format_message() + help_of)
        return 1
    except click.ClickException as error:
        print_error(error.format_message())
        return error.exit_code
    except PrefectException as error:
        print_error(str(error))
        return 1
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console entry point: run the command line of this process, and exit with its code."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, had enough: nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)

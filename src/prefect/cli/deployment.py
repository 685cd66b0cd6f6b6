"""`prefect deployment`: what is deployed, and when it runs."""

from __future__ import annotations

import click

from prefect.cli._command import Entry, LazyGroup

_ENTRIES = {
    "backfill": Entry(
        "prefect.cli.deployment_backfill:backfill", "Run it once for each slot of a stretch of time."
    ),
    "schedule": Entry("prefect.cli.deployment_schedule:schedule", "See and change when it runs by itself."),
}


@click.group("deployment", cls=LazyGroup, entries=_ENTRIES)
def deployment() -> None:
    """See and manage deployments. A deployment is named `flow/deployment`, or by its id."""

"""Who makes an automation is told where nothing evaluates it."""

from __future__ import annotations

import logging

from prefect._backend.resolve import backend

_log = logging.getLogger("prefect.automations")


def warn_where_unevaluated(whose: str) -> None:
    """Log a warning, unless a server of Prefect keeps the automation: that evaluates it.

    Args:
        whose: what the automation is, or belongs to, for people.
    """
    if not backend().evaluates_automations:
        _log.warning(
            "%s is stored and listed, but this release does not evaluate automations: nothing will trigger it. "
            "Run deployments on a schedule, or by run_deployment, meanwhile.",
            whose,
        )

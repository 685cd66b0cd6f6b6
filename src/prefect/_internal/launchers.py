"""How bundles of code are started: `submit` on infrastructure, which is not part of this release."""

from __future__ import annotations

from typing import Any

from prefect.exceptions import PrefectException


def get_launcher_for_side(launcher: Any, side: str) -> list[str] | None:
    """The words before a bundle's command; None where there is no launcher. Raises PrefectException for others."""
    _ = side
    if launcher is None:
        return None
    raise PrefectException("Bundles of code cannot be launched yet: deploy the flow, and run the deployment.")


def resolve_bundle_step_with_launcher(step: dict[str, Any], launcher: Any, side: str) -> dict[str, Any]:
    """The step as it is, without a launcher. Raises PrefectException for one."""
    get_launcher_for_side(launcher, side)
    return step

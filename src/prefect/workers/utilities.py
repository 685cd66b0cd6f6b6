"""Which types of work pools there are, and what their templates are by default."""

from __future__ import annotations

from typing import Any

from prefect._base.dual import in_thread
from prefect.model.worker_kinds import WORKER_KINDS
from prefect.workers._kinds import kinds

__all__ = ["get_available_work_pool_types", "get_default_base_job_template_for_infrastructure_type"]


async def get_available_work_pool_types() -> list[str]:
    """The types of the workers that are installed here, and of those that the server knows."""
    return sorted({*await in_thread(kinds), *WORKER_KINDS})


async def get_default_base_job_template_for_infrastructure_type(infra_type: str) -> dict[str, Any] | None:
    """The base job template of pools of a type; None for a type that nobody knows."""
    worker = (await in_thread(kinds)).get(infra_type)
    return worker.get_default_base_job_template() if worker is not None else None

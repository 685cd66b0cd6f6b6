"""What the running code can ask about itself, such as `prefect.runtime.flow_run.id`."""

from __future__ import annotations

from prefect.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]

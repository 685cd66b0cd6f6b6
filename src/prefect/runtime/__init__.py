"""What the running code can ask about itself: `prefect.runtime.flow_run.id`, `.task_run.name` …"""

from __future__ import annotations

from prefect.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]

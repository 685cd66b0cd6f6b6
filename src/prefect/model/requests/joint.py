"""Filters of several nouns at once: what belongs together must pass them all."""

from __future__ import annotations

from prefect.model.base import PrefectBaseModel
from prefect.model.requests.deployments import DeploymentFilter
from prefect.model.requests.flow_runs import FlowRunFilter
from prefect.model.requests.flows import FlowFilter
from prefect.model.requests.task_runs import TaskRunFilter
from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter


class JointFilter(PrefectBaseModel):
    """What most bodies of `/filter`, `/count` and the like share.

    A filter that is there, even an empty one, asks for something that passes it: `task_runs: {}` finds the flow
    runs that have task runs.
    """

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_pool_queues: WorkQueueFilter | None = None

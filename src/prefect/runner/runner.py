"""The runner: a process that executes the runs of its deployments."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

from prefect._base.dual import dual, in_thread
from prefect._base.notset import NotSet
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.runner._children import Source
from prefect.runner._desk import Desk, Served
from prefect.runner._feed import PollingFeed, StoreFeed
from prefect.runner._taking import Taking
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import datetime
    from uuid import UUID

    from typing_extensions import Self, Unpack

    from prefect.deployments._options import DeploymentOptions
    from prefect.flows import Flow

_log = logging.getLogger("prefect.runner")


class Runner:
    """Executes the runs of the deployments that are added to it, each in a process of its own."""

    def __init__(
        self,
        name: str | None = None,
        query_seconds: float | None = None,
        prefetch_seconds: float = 10,
        heartbeat_seconds: float | None = None,
        limit: Any = NotSet,
        pause_on_shutdown: bool = True,
        webserver: bool = False,
    ) -> None:
        settings = get_current_settings()
        self.name = "runner" if name is None else name
        self.limit: int | None = settings.runner.process_limit if limit is NotSet or limit is None else limit
        self.query_seconds: float = query_seconds or settings.runner.poll_frequency
        self.prefetch_seconds = prefetch_seconds
        self.heartbeat_seconds = heartbeat_seconds
        self.pause_on_shutdown = pause_on_shutdown
        self.webserver = webserver
        self._deployments: dict[UUID, RunnerDeployment] = {}
        self._client = get_client(sync_client=True)
        feed = self._feed()
        self._desk = Desk(
            Taking(self._client),
            feed,
            limit=self.limit,
            query_seconds=self.query_seconds,
            prefetch_seconds=prefetch_seconds,
            grace_seconds=30,
        )

    def _feed(self) -> Any:
        if get_current_settings().api.url:
            return PollingFeed()
        from prefect._backend.resolve import local_backend

        return StoreFeed(local_backend().store)

    def add_deployment(self, deployment: RunnerDeployment) -> UUID:
        deployment_id = deployment.apply()
        self._deployments[deployment_id] = deployment
        assert deployment.entrypoint
        self._desk.serve(
            Served(
                deployment_id,
                deployment.full_name,
                Source(deployment.entrypoint, deployment.folder),
                deployment.job_variables,
            )
        )
        return deployment_id

    def run(self, run_once: bool = False) -> None:
        self._desk.work(run_once=run_once)

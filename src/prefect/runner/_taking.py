"""What a runner asks: which runs are due, whether one is its own, and what it reports of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._base import procinfo
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunSort
from prefect.model.state import StateType
from prefect.model.state_makers import Cancelling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.records import FlowRunRecord
    from prefect.model.runs import FlowRun

_output = logging.getLogger("prefect.flow_runs")


class Taking:
    """See the module.

    Args:
        client: of the store or the server.
    """

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    def waiting(self, deployment_ids: list[UUID], before: datetime, *, announce: bool) -> list[FlowRun]:
        """The runs of these deployments that are due before a time, the earliest first.

        A look only reads, or two runners would wake each other for ever; with `announce` it also says that somebody
        polls for these deployments.
        """
        if announce:
            return self._client.get_scheduled_flow_runs_for_deployments(deployment_ids, before)
        asked = FlowRunFilter.model_validate(
            {
                "deployment_id": {"any_": deployment_ids},
                "state": {"type": {"any_": [StateType.SCHEDULED]}},
                "next_scheduled_start_time": {"before_": before},
            }
        )
        order = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
        return self._client.read_flow_runs(flow_run_filter=asked, sort=order)

    def claim(self, run: FlowRun) -> bool:
        """Make a run this runner's, if it still is in the state that it was seen in: whoever is first has it."""
        assert run.state is not None  # a server gives none without
        return backend().claim_flow_run(run.id.bytes, run.state.id.bytes)

    def cancelling(self, run_ids: Iterable[UUID]) -> set[UUID]:
        """Which of these runs were asked to stop."""
        asked = FlowRunFilter.model_validate(
            {"id": {"any_": list(run_ids)}, "state": {"type": {"any_": [StateType.CANCELLING]}}}
        )
        return {run.id for run in self._client.read_flow_runs(flow_run_filter=asked)}

    def cancel(self, run_id: UUID) -> None:
        """Ask a run to stop."""
        self._client.set_flow_run_state(
            run_id, Cancelling(message="The runner that executes the run was told to cancel it.")
        )

    def ended(self, run_id: UUID, pid: int | None, cause: str | None, *, hand_over: bool) -> FlowRunRecord:
        """The process of a run has ended; where that has not said how the run ended, `cause` does."""
        return backend().executor_ended(
            run_id.bytes, host=procinfo.host_name(), pid=pid, cause=cause, hand_over=hand_over
        )

    def pause(self, deployment_ids: Iterable[UUID]) -> None:
        """Make no more runs for their schedules."""
        for deployment_id in deployment_ids:
            self._client.set_deployment_paused_state(deployment_id, paused=True)


def record_line(run: FlowRun, flow_name: str, line: str) -> None:
    """A line that a run's process has written."""
    whose = {"flow_run_id": str(run.id), "flow_run_name": run.name, "flow_name": flow_name}
    _output.info("%s", line, extra=whose)

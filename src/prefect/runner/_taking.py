"""What a runner asks: which runs are due, whether one is its own, and what it reports of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunSort
from prefect.model.responses import SetStateStatus
from prefect.model.state import StateType
from prefect.model.state_makers import Crashed, Pending

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.runs import FlowRun

_log = logging.getLogger("prefect.runner")
_lines = logging.getLogger("prefect.flow_runs.output")


class Taking:
    """See the module. Args: client: of the store or the server."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    def waiting(self, deployment_ids: list[UUID], before: datetime, *, announce: bool) -> list[FlowRun]:
        """The runs of these deployments that are due before a time.

        A look only reads; with `announce` it also says that somebody polls for these deployments.
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
        return self._client.read_flow_runs(
            flow_run_filter=asked, sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
        )

    def claim(self, run: FlowRun) -> bool:
        """Make a run this runner's: whoever proposes Pending first has it."""
        answer = self._client.set_flow_run_state(run.id, Pending(name="Submitting"))
        return answer.status is SetStateStatus.ACCEPT

    def ended(self, run_id: UUID, pid: int | None, cause: str | None) -> None:
        """Its process has ended; where that has not said how the run ended, it has crashed."""
        run = self._client.read_flow_run(run_id)
        if run.state is not None and not run.state.is_final():
            self._client.set_flow_run_state(run_id, Crashed(message=cause), force=True)

    def record_line(self, run_id: UUID, line: str) -> None:
        """A line that the run's process has written."""
        _lines.info("%s", line, extra={"flow_run_id": str(run_id)})

"""The runs that a worker has in hand: taken, given infrastructure, cancelled, and seen to end."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from prefect._backend.resolve import backend
from prefect._base import procinfo
from prefect._base.dual import in_thread
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound, StoreError
from prefect.model.requests.flow_runs import FlowRunFilter
from prefect.model.responses import SetStateStatus
from prefect.model.state import StateType
from prefect.model.state_makers import Pending
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.model.records import FlowRunRecord
    from prefect.model.runs import FlowRun
    from prefect.workers.base import BaseWorker

STARTING = "InfrastructurePending"  # a later stage of the submission, which begins with plain Pending
_HAND_OVER_SECONDS = 15.0
_RETRY_SECONDS = 1.0


class Hand:
    """A run in hand, and its infrastructure."""

    def __init__(self, run: FlowRun) -> None:
        self.run = run
        self.configuration: Any = None
        self.identifier: str | None = None
        self.handed_over = False
        self.cancelling = False
        self.scope = anyio.CancelScope()


class Submissions:
    """The runs in hand of a worker. Everything here belongs to its event loop."""

    def __init__(self, worker: BaseWorker[Any, Any, Any]) -> None:
        self._worker = worker
        self.in_hand: dict[UUID, Hand] = {}

    def begin(self, run: FlowRun) -> bool:
        """Take a run in hand, if there is a place and it is not in hand already."""
        worker = self._worker
        if run.id in self.in_hand:
            return False
        try:
            worker.limiter.acquire_on_behalf_of_nowait(run.id)
        except anyio.WouldBlock:
            return False
        self.in_hand[run.id] = Hand(run)
        assert worker._runs_task_group is not None
        worker._runs_task_group.start_soon(self._submit, self.in_hand[run.id])
        return True

    async def see_to_cancellations(self) -> None:
        """Have the infrastructure of runs ended that were asked to stop."""
        worker = self._worker
        may = worker._always_cancels or get_current_settings().worker.enable_cancellation
        if not self.in_hand or not may:
            return
        asked = FlowRunFilter.model_validate(
            {"id": {"any_": list(self.in_hand)}, "state": {"type": {"any_": [StateType.CANCELLING]}}}
        )
        assert worker._runs_task_group is not None
        for run in await worker.client.read_flow_runs(flow_run_filter=asked):
            hand = self.in_hand.get(run.id)
            if hand is not None and hand.identifier is not None and not hand.cancelling:
                hand.cancelling = True
                worker._runs_task_group.start_soon(self._kill, hand)

    async def interrupt(self) -> None:
        """The worker goes: runs that die with it are interrupted, and another worker goes on with them."""
        for hand in list(self.in_hand.values()):
            await self._worker._interrupt(hand)
        with anyio.move_on_after(_HAND_OVER_SECONDS):
            while self.in_hand:
                await self._worker._wait(_HAND_OVER_SECONDS)
        for hand in self.in_hand.values():
            hand.scope.cancel()

    # --- one run --------------------------------------------------------------------------------------

    async def _submit(self, hand: Hand) -> None:
        worker, run = self._worker, hand.run
        try:
            with hand.scope:
                if await self._claim(run):
                    await self._execute(hand)
        except Exception:
            worker._logger.exception("Flow run '%s' could not be seen through to its end", run.name)
        finally:
            worker.limiter.release_on_behalf_of(run.id)
            del self.in_hand[run.id]
            if worker._feed is not None:
                worker._feed.wake()

    @staticmethod
    async def _claim(run: FlowRun) -> bool:
        """Make a run this worker's, if it still is in the state that it was seen in: whoever is first has it."""
        assert run.state is not None  # a server gives none without
        return await in_thread(functools.partial(backend().claim_flow_run, run.id.bytes, run.state.id.bytes))

    async def _execute(self, hand: Hand) -> None:
        worker, run = self._worker, hand.run
        log = worker.get_flow_run_logger(run)
        try:
            hand.configuration = await self._job(run)
        except Exception as exc:
            log.error("The job of flow run '%s' could not be made: %s", run.name, exc)  # noqa: TRY400 - it is the user's
            log.debug("Why:", exc_info=True)
            cause = f"The job of the run could not be made: {type(exc).__name__}: {exc}"
            await self.report(hand, None, cause)
            return
        try:
            answer = await worker.client.set_flow_run_state(run.id, Pending(name=STARTING))
            if answer.status is not SetStateStatus.ACCEPT and not await self._is_still_ours(hand):
                return
            result = await worker.run(run, hand.configuration, _Started(self, hand))
        except Exception as exc:
            log.exception("The infrastructure of flow run '%s' failed", run.name)
            cause = f"The infrastructure of the run failed: {type(exc).__name__}: {exc}"
            await self.report(hand, None, cause)
            return
        await worker._report(hand, result)

    async def _job(self, run: FlowRun) -> Any:
        worker = self._worker
        return await worker.job_configuration.resolve_for_flow_run(
            run,
            client=worker.client,
            work_pool=worker.work_pool,
            worker_name=worker.name,
            worker_id=worker.backend_id,
        )

    async def _is_still_ours(self, hand: Hand) -> bool:
        """Whether to start a run whose next stage was refused: older servers know but one, and others have a reason."""
        run = await self._worker.client.read_flow_run(hand.run.id)
        if run.state_type is StateType.CANCELLING:
            await self.report(hand, None, "The run was cancelled before its infrastructure was started.")
        return run.state_type is StateType.PENDING

    async def report(self, hand: Hand, pid: int | None, cause: str | None) -> FlowRunRecord:
        """The infrastructure of a run has ended; where the run has not said how that went, `cause` does."""
        ended = functools.partial(
            backend().executor_ended,
            hand.run.id.bytes,
            host=procinfo.host_name(),
            pid=pid,
            cause=cause,
            hand_over=hand.handed_over,
        )
        record = await self._patiently(ended)
        log = self._worker.get_flow_run_logger(hand.run)
        if record.state.type == "CRASHED":
            log.error("Flow run '%s' has crashed: %s", record.name, record.state.message)
        elif record.state.type == "SCHEDULED":
            log.warning("Flow run '%s' is %s: %s", record.name, record.state.name, record.state.message)
        return record

    async def _patiently(self, ended: Callable[[], FlowRunRecord]) -> FlowRunRecord:
        """Ask again while the server is away: what has ended must be known."""
        while True:
            try:
                return await in_thread(ended)
            except StoreError as exc:  # noqa: PERF203 - it is asked again
                self._worker._logger.warning("The end of a run is not on record yet: %s", exc)
                await anyio.sleep(_RETRY_SECONDS)

    async def _kill(self, hand: Hand) -> None:
        worker = self._worker
        assert hand.identifier is not None
        grace: float = get_current_settings().runner.cancel_grace_seconds
        try:
            await worker.kill_infrastructure(hand.identifier, hand.configuration, grace_seconds=round(grace))
        except (NotImplementedError, InfrastructureNotAvailable) as exc:
            worker._logger.warning("Flow run '%s' is left to stop by itself: %s", hand.run.name, exc)
        except InfrastructureNotFound:
            await self.report(hand, None, "The run was cancelled, and its infrastructure was gone.")
        except Exception:
            worker._logger.exception("The infrastructure of flow run '%s' could not be ended", hand.run.name)
            hand.cancelling = False


class _Started(anyio.abc.TaskStatus[Any]):
    """What a worker's `run` tells when the infrastructure is there."""

    def __init__(self, submissions: Submissions, hand: Hand) -> None:
        self._submissions = submissions
        self._hand = hand

    def started(self, value: Any = None) -> None:
        """The infrastructure is there; `value` identifies it."""
        if value is None:
            return
        self._hand.identifier = str(value)
        group = self._submissions._worker._runs_task_group
        assert group is not None
        group.start_soon(self._record)

    async def _record(self) -> None:
        worker, hand = self._submissions._worker, self._hand
        try:
            await worker.client.update_flow_run(hand.run.id, infrastructure_pid=hand.identifier)
        except Exception as exc:
            worker._logger.warning(
                "The infrastructure of flow run '%s' is not on record: %s", hand.run.name, exc
            )

"""Run a deployment: ask for a run of it, and wait for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._api.errors import Refused
from prefect._base.clock import now_us
from prefect._base.drive import Sleep, drive_async
from prefect._base.jsonable import to_jsonable
from prefect._engine import inputs
from prefect.client._use import Using, either
from prefect.context import FlowRunContext, current_tags
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, ParameterTypeError
from prefect.model.run_inputs import TaskRunResult
from prefect.states import Pending, Scheduled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from datetime import datetime

    from prefect.client._use import AnyClient
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.runs import FlowRun, TaskRun

    Steps = Generator[Any, Any, FlowRun]

__all__ = ["arun_deployment", "run_deployment"]

_FIRST_WAIT = 0.02  # seconds
_WAIT_SHARE = 0.1  # of the time that has been spent: a run is seen to have ended at most so much later


def run_deployment(  # noqa: PLR0917 - a public signature
    name: str | UUID,
    client: AnyClient = None,
    parameters: dict[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float | None = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool | None = True,
    job_variables: dict[str, Any] | None = None,
) -> Any:
    """Ask for a run of a deployment, and wait until it has ended. Somebody (`serve`, a worker) executes it.

    Under a running event loop it gives an awaitable, unless a sync flow or task calls it.

    Args:
        name: `flow/deployment`, or the deployment's id.
        client: whom to ask; the API that the settings name if None.
        parameters: of the run, on top of the deployment's; futures among them are waited for.
        scheduled_time: when it is to start; now if None.
        flow_run_name: its name; a random one if None.
        timeout: seconds to wait for its end; 0: do not wait, None: as long as it takes. The run itself goes on.
        poll_interval: the longest time between two looks, in seconds. A short run is looked at more often.
        tags: of the run, on top of the deployment's and of those in force here.
        idempotency_key: a second request with the same key gives the run of the first.
        work_queue_name: the queue that it waits in, instead of the deployment's.
        as_subflow: within a flow or task, whether the run is a subflow of that flow's run.
        job_variables: of the run, on top of the deployment's.

    Returns:
        The run, in the state that it was seen in last.

    Raises:
        ObjectNotFound: there is no such deployment.
        ParameterTypeError: the parameters do not fit the deployment's schema; it says which, and why.
        ValueError: the timeout is negative, or the name has another form.
    """
    return either(_run(**locals()))


async def arun_deployment(  # noqa: PLR0917 - a public signature
    name: str | UUID,
    client: AnyClient = None,
    parameters: dict[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float | None = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool | None = True,
    job_variables: dict[str, Any] | None = None,
) -> FlowRun:
    """The async form of `run_deployment`."""
    return await drive_async(_run(**locals()))


class _Asked(NamedTuple):
    """What `run_deployment` was asked for."""

    name: str | UUID
    client: AnyClient
    parameters: dict[str, Any]
    scheduled_time: datetime | None
    flow_run_name: str | None
    timeout: float | None
    poll_interval: float | None
    tags: Iterable[str] | None
    idempotency_key: str | None
    work_queue_name: str | None
    as_subflow: bool | None
    job_variables: dict[str, Any] | None


def _run(parameters: dict[str, Any] | None, **given: Any) -> Steps:
    asked = _Asked(parameters=parameters or {}, **given)
    if asked.timeout is not None and asked.timeout < 0:
        raise ValueError(
            "`timeout` cannot be negative: expected seconds, 0 (do not wait) or None (as long as it takes), "
            f"got {asked.timeout}."
        )
    values = yield from _resolved(asked.parameters)
    deployment = yield from find_deployment(asked.client, asked.name)
    tracking = None
    flow: Any = FlowRunContext.get() if asked.as_subflow else None
    if flow is not None:
        tracking = yield from _track(asked, deployment, flow)
        run = yield from _earlier(asked, tracking, flow, values)
        if run is not None:
            return (yield from _ended(asked, run))
    try:
        run = yield from _create(asked, deployment, values, tracking)
    except (ObjectAlreadyExists, Refused) as exc:
        raise ParameterTypeError(f"{exc} (deployment {asked.name!r})") from exc
    return (yield from _ended(asked, run))


def _create(
    asked: _Asked, deployment: DeploymentResponse, values: dict[str, Any], tracking: TaskRun | None
) -> Steps:
    return (
        yield Using(
            asked.client,
            "create_flow_run_from_deployment",
            deployment_id=deployment.id,
            parameters=values,
            state=Scheduled(scheduled_time=asked.scheduled_time),
            name=asked.flow_run_name,
            tags=sorted({*current_tags(), *(asked.tags or ())}),
            idempotency_key=asked.idempotency_key,
            parent_task_run_id=tracking.id if tracking is not None else None,
            work_queue_name=asked.work_queue_name,
            job_variables=asked.job_variables,
        )
    )


def _resolved(parameters: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    """The parameters with results in the place of futures."""
    upstream = [one for value in parameters.values() for one in inputs.upstream_of(value)]
    yield from inputs.wait_for_upstream(upstream)
    return {name: inputs.resolved(value) for name, value in parameters.items()}


def find_deployment(client: AnyClient, name: str | UUID) -> Generator[Any, Any, DeploymentResponse]:
    """The deployment of a name `flow/deployment`, or an id.

    Raises:
        ObjectNotFound: there is none.
        ValueError: the name has another form.
    """
    deployment_id = name if isinstance(name, UUID) else _id_in(name)
    try:
        if deployment_id is not None:
            return (yield Using(client, "read_deployment", deployment_id=deployment_id))
        return (yield Using(client, "read_deployment_by_name", name=name))
    except ObjectNotFound as exc:
        raise ObjectNotFound(
            exc.http_exc,
            f"Expected the name of a deployment, got '{name}': `prefect deployment ls` lists them.",
        ) from exc


def _id_in(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _track(asked: _Asked, deployment: DeploymentResponse, flow: Any) -> Generator[Any, Any, TaskRun]:
    """The task run that stands for the run in the flow that asks for it; it mirrors the run's states."""
    said = str(asked.name).replace("/", "-")
    key = f"{__name__}.run_deployment.{said}"
    number = flow.next_subflow(key)
    lineage: Any = flow.lineage
    sources = {name: inputs.sources_of(value, lineage) for name, value in asked.parameters.items()}
    return (
        yield Using(
            asked.client,
            "create_task_run",
            task=_Stand(deployment.name, key),
            name=f"{said}-{number}",
            flow_run_id=UUID(bytes=flow.id),
            dynamic_key=str(number),
            state=Pending(),
            task_inputs={
                name: [TaskRunResult(id=UUID(bytes=source)) for source in found]
                for name, found in sources.items()
            },
        )
    )


class _Stand(NamedTuple):
    """What a client needs to know of a task, told of a deployment."""

    name: str
    task_key: str
    version: None = None
    tags: frozenset[str] = frozenset()
    retries: int = 0
    retry_delay_seconds: int = 0
    retry_jitter_factor: None = None


def _earlier(
    asked: _Asked, tracking: TaskRun, flow: Any, values: dict[str, Any]
) -> Generator[Any, Any, FlowRun | None]:
    """The run that an earlier attempt of a resumed flow has asked for here, unless it came to no good end."""
    details = tracking.state.state_details if tracking.state is not None else None
    if flow.recorded is None or details is None or details.child_flow_run_id is None:
        return None
    try:
        run: FlowRun = yield Using(asked.client, "read_flow_run", flow_run_id=details.child_flow_run_id)
    except ObjectNotFound:
        return None
    if run.state is None or (run.state.is_final() and not run.state.is_completed()):
        return None
    shown, _ = to_jsonable(values)
    return run if all(run.parameters.get(name) == value for name, value in shown.items()) else None


def _ended(asked: _Asked, run: FlowRun) -> Steps:
    """The run once it has ended, or once the time is over."""
    begun = now_us()
    end = None if asked.timeout is None else begun + asked.timeout * 1_000_000
    while not (run.state is not None and run.state.is_final()):
        now = now_us()
        if end is not None and now >= end:
            break
        share = max(_FIRST_WAIT, (now - begun) / 1_000_000 * _WAIT_SHARE)
        left = share if end is None else min(share, (end - now) / 1_000_000)
        yield Sleep(min(left, asked.poll_interval or 0))
        run = yield Using(asked.client, "read_flow_run", flow_run_id=run.id)
    return run

"""The runs of schedules, made ahead of their time.

Every schedule remembers up to where its slots have become runs, and when it has to be looked at again: a round
reads only the schedules of which more runs are wanted by now. A slot becomes a run once, however many schedulers
there are: the run's idempotency key is the slot's.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._backend.deployed import run_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._base.slots import key_of, slots
from prefect._storage import deployments as rows
from prefect._storage import flow_runs
from prefect._storage.deployments import DEPLOYMENTS, SCHEDULES
from prefect.model.records import FlowRunRecord, StateRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect._backend.local import LocalBackend
    from prefect._storage.deployments import DeploymentRecord, Flow, ScheduleRecord
    from prefect._storage.protocol import Transaction

SECOND = 1_000_000
BATCH = 100  # schedules a round
TAG = "auto-scheduled"


class Ahead(NamedTuple):
    """How far ahead runs are made: so many at least and at most, so far (seconds) at least and at most."""

    min_runs: int = 3
    max_runs: int = 100
    min_seconds: float = 3600
    max_seconds: float = 100 * 86_400


USUAL = Ahead()


def ahead_of(settings: Any) -> Ahead:
    """How far ahead the settings (`get_current_settings()`) want runs."""
    asked = settings.server.services.scheduler
    return Ahead(
        asked.min_runs,
        asked.max_runs,
        asked.min_scheduled_time.total_seconds(),
        asked.max_scheduled_time.total_seconds(),
    )


def schedule_once(backend: LocalBackend, now: int, ahead: Ahead = USUAL) -> int:
    """Make the runs that are wanted by `now` (µs UTC) of up to 100 schedules; how many schedules there were.

    What was wanted while nobody scheduled is in the past, and is made up for only as the schedule's policy says.
    """
    due = rows.due_schedules(backend.store, now, BATCH)
    for schedule_id in due:
        with backend.store.write() as cx:
            schedule = SCHEDULES.read(cx, id=schedule_id)  # as it is now
            deployment = schedule and DEPLOYMENTS.read(cx, id=schedule.deployment_id)
            if not schedule or not deployment or not schedule.active:
                continue
            if deployment.paused:
                SCHEDULES.update(cx, schedule.id, {"look_again": rows.NEVER})  # or until that changes
            else:
                _schedule(cx, deployment, schedule, now, ahead)
    return len(due)


def schedule_between(
    cx: Transaction, deployment: DeploymentRecord, start: int, end: int, ahead: Ahead
) -> None:
    """Make runs for the active schedules of a deployment between two times, both included."""
    for schedule in SCHEDULES.find(cx, [rows.of_deployment(deployment.id)]):
        if schedule.active:
            found = _enough(slots(schedule.schedule, start - 1, end), 0, start, ahead)
            _insert(cx, deployment, schedule, found)


def _schedule(
    cx: Transaction, deployment: DeploymentRecord, schedule: ScheduleRecord, now: int, ahead: Ahead
) -> None:
    if schedule.max_scheduled_runs is not None:
        most = min(ahead.max_runs, schedule.max_scheduled_runs)
        ahead = ahead._replace(max_runs=most, min_runs=min(ahead.min_runs, most))
    missed, until = _missed(schedule, now, ahead.max_runs)
    _insert(cx, deployment, schedule, missed)
    if until < now:  # there are more than a round makes
        SCHEDULES.update(cx, schedule.id, {"scheduled_until": until, "look_again": now})
        return
    made = list(slots(schedule.schedule, now, schedule.scheduled_until))
    horizon = now + round(ahead.max_seconds * SECOND)
    more = slots(schedule.schedule, max(now, schedule.scheduled_until), horizon)
    found = _enough(more, len(made), now, ahead)
    _insert(cx, deployment, schedule, found)
    coming = made + found
    changes = {"look_again": _look_again(coming, now, ahead)}
    if coming:
        changes["scheduled_until"] = coming[-1]
    SCHEDULES.update(cx, schedule.id, changes)


def _missed(schedule: ScheduleRecord, now: int, most: int) -> tuple[list[int], int]:
    """The slots before now of which nobody has made runs and that are wanted all the same, and up to where they are."""
    since = schedule.scheduled_until
    if not since or since >= now:  # a new schedule has missed nothing
        return [], now
    if schedule.catch_up == "all":
        missed = list(islice(slots(schedule.schedule, since, now), most))
        return missed, missed[-1] if len(missed) == most else now
    if schedule.catch_up == "latest":
        return _latest(schedule, since, now), now
    return [], now  # "skip", and no policy: what nobody has made is past


def _latest(schedule: ScheduleRecord, since: int, now: int) -> list[int]:
    """The last slot after `since` and not after now, if there is one: looked for in longer and longer stretches."""
    stretch = 3600 * SECOND
    while True:
        start = max(since, now - stretch)
        found = deque(slots(schedule.schedule, start, now), maxlen=1)
        if found or start == since:
            return list(found)
        stretch *= 8


def _enough(more: Iterator[int], made: int, now: int, ahead: Ahead) -> list[int]:
    """As many further slots as are wanted: until there are enough, and they reach far enough."""
    found: list[int] = []
    far = now + round(ahead.min_seconds * SECOND)
    for moment in more:
        if made + len(found) >= ahead.max_runs:
            break
        if made + len(found) >= ahead.min_runs and (found[-1] if found else 0) >= far:
            break
        found.append(moment)
    return found


def _look_again(coming: list[int], now: int, ahead: Ahead) -> int:
    """When there will be fewer runs than wanted, or they will not reach far enough any more."""
    if len(coming) < ahead.min_runs:  # the rest is too far away, or the schedule ends
        return now + round(min(ahead.min_seconds, 3600) * SECOND)
    if len(coming) >= ahead.max_runs:
        return coming[0]
    return min(coming[-ahead.min_runs], coming[-1] - round(ahead.min_seconds * SECOND))


def _insert(
    cx: Transaction, deployment: DeploymentRecord, schedule: ScheduleRecord, moments: list[int]
) -> None:
    flow = rows.flow_of(cx, deployment.flow_id)
    if flow is None:
        return
    for moment in moments:
        run = _run(deployment, schedule, flow, moment)
        flow_runs.insert(cx, run, [run.state])


def _run(deployment: DeploymentRecord, schedule: ScheduleRecord, flow: Flow, moment: int) -> FlowRunRecord:
    kind = next((kind for key, kind in _KINDS.items() if key in schedule.schedule), "NoSchedule")
    details = {"scheduled_time": moment}
    state = StateRecord(new_id(), "SCHEDULED", "Scheduled", now_us(), "Flow run scheduled", None, details)
    return run_of(
        deployment,
        flow.name,
        deployment.work_queue_id,
        state,
        parameters={**deployment.parameters, **schedule.parameters},
        tags=tuple(sorted({*deployment.tags, TAG})),
        idempotency_key=key_of(deployment.id, schedule.id, moment),
        auto_scheduled=1,
        created_by={"id": str(UUID(bytes=schedule.id)), "type": "SCHEDULE", "display_value": kind},
    )


_KINDS = {"cron": "CronSchedule", "interval": "IntervalSchedule", "rrule": "RRuleSchedule"}

"""All services of a server, as the settings have them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from prefect._backend import foreman, scheduler
from prefect._backend.resolve import retention_policy
from prefect._services import (
    cancellation_cleanup,
    event_retention,
    late_runs,
    lease_reaper,
    lease_repossessor,
    pause_expirations,
    recovery,
    retention,
)
from prefect._services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from prefect._backend.local import LocalBackend
    from prefect._services.service import IsLeader


def enabled_services(settings: Any) -> list[Service]:
    """The services that the settings (`get_current_settings()`) turn on."""
    set_ = settings.server.services
    found = _of_deployments(settings)
    if set_.late_runs.enabled:
        late = partial(late_runs.run_once, after_seconds=set_.late_runs.after_seconds.total_seconds())
        found.append(Service("late-runs", set_.late_runs.loop_seconds, late, batch=late_runs.BATCH))
    if set_.pause_expirations.enabled:
        seconds = set_.pause_expirations.loop_seconds
        found.append(Service("pause-expirations", seconds, pause_expirations.run_once))
    if set_.cancellation_cleanup.enabled:
        found.append(_cancellation_cleanup(set_.cancellation_cleanup))
    found.append(Service("lease-repossessor", lease_repossessor.SECONDS, lease_repossessor.run_once))
    # not only the leader: a dead process is seen at once by whoever is on its machine
    found.append(Service("lease-reaper", lease_reaper.SECONDS, lease_reaper.run_once, only_leader=False))
    found.append(Service("recovery", recovery.SECONDS, recovery.run_once))
    forget = partial(retention.run_once, policy=retention_policy(settings))
    found.append(Service("retention", retention.SECONDS, forget, batch=1))
    if "events" in _forgotten(set_.db_vacuum.enabled):
        found.append(_event_retention(settings))
    return found


def _of_deployments(settings: Any) -> list[Service]:
    """Schedules become runs, and who is silent is not ready.

    A round of the scheduler reads only what is due, so that one frequency serves new and old schedules.
    """
    set_ = settings.server.services
    found: list[Service] = []
    if set_.scheduler.enabled:
        seconds = min(set_.scheduler.loop_seconds, set_.scheduler.recent_deployments_loop_seconds)
        schedule = partial(scheduler.schedule_once, ahead=scheduler.ahead_of(settings))
        found.append(Service("scheduler", seconds, schedule, batch=scheduler.BATCH))
    if set_.foreman.enabled:
        mark = partial(foreman.foreman_once, patience=foreman.patience_of(settings))
        found.append(Service("foreman", set_.foreman.loop_seconds, mark))
    return found


def _forgotten(set_: Any) -> Collection[str]:
    """What is deleted once it is old: all (true), nothing (false), or what is named."""
    return ({"events", "flow_runs"} if set_ else ()) if isinstance(set_, bool) else set_


def _event_retention(settings: Any) -> Service:
    kept = settings.server.events.retention_period.total_seconds()
    run_once = partial(event_retention.run_once, keep_seconds=kept)
    return Service("event-retention", event_retention.SECONDS, run_once, batch=event_retention.BATCH)


def _cancellation_cleanup(set_: Any) -> Service:
    run_once = partial(cancellation_cleanup.run_once, timeout_seconds=set_.cancelling_timeout_seconds)
    return Service("cancellation-cleanup", set_.loop_seconds, run_once, batch=cancellation_cleanup.BATCH)


class Services:
    """Services that are started and stopped together.

    Args:
        services: which.
        backend: gives the backend on the store; asked for each round.
        is_leader: whether this server does the service of that name; without, it does them all.
    """

    def __init__(
        self,
        services: Iterable[Service],
        backend: Callable[[], LocalBackend],
        is_leader: IsLeader | None = None,
    ) -> None:
        self.services = list(services)
        self._backend = backend
        self._is_leader = is_leader

    def start(self) -> None:
        """Start every one."""
        for service in self.services:
            if self._is_leader is None:
                service.start(self._backend)
            else:
                service.start(self._backend, self._is_leader)

    def stop(self) -> None:
        """Stop every one; returns once the rounds that are being made have ended."""
        for service in self.services:
            service.stopping()
        for service in self.services:
            service.stop()

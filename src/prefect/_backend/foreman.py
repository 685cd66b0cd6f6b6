"""Who says nothing any more is not ready: workers, their pools, queues and deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import work_pools

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECOND = 1_000_000


class Patience(NamedTuple):
    """How long silence may last: heartbeats that may be missed, and seconds."""

    missed_heartbeats: int = 3
    heartbeat_seconds: float = 30  # of a worker that does not say how often it sends them
    queue_seconds: float = 60
    deployment_seconds: float = 60


USUAL = Patience()


def patience_of(settings: Any) -> Patience:
    """How patient the settings (`get_current_settings()`) are."""
    asked = settings.server.services.foreman
    return Patience(
        asked.inactivity_heartbeat_multiple,
        asked.fallback_heartbeat_interval_seconds,
        asked.work_queue_last_polled_timeout_seconds,
        asked.deployment_last_polled_timeout_seconds,
    )


def foreman_once(backend: LocalBackend, now: int, patience: Patience = USUAL) -> int:
    """Mark what has been silent for too long by `now` (µs UTC); how many workers, queues and deployments that were."""
    with backend.store.write() as cx:
        silent = work_pools.mark_offline(
            cx, now, patience.missed_heartbeats, round(patience.heartbeat_seconds)
        )
        silent += work_pools.mark_not_ready(cx, "work_queue", now - round(patience.queue_seconds * SECOND))
        return silent + work_pools.mark_not_ready(
            cx, "deployment", now - round(patience.deployment_seconds * SECOND)
        )

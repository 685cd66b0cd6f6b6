"""The services without the API: on a machine of their own, or beside several servers that have none."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from prefect._backend.resolve import close, local_backend
from prefect._services.services import Services, enabled_services
from prefect.logging.configuration import setup_logging
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._base.settings.settings import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

ABOUT = {
    "late-runs": ("server.services.late_runs.enabled", "Marks runs that did not start in time as Late."),
    "pause-expirations": (
        "server.services.pause_expirations.enabled",
        "Fails paused runs that nobody resumed in time.",
    ),
    "cancellation-cleanup": (
        "server.services.cancellation_cleanup.enabled",
        "Ends what a cancelled run has left behind.",
    ),
    "scheduler": ("server.services.scheduler.enabled", "Makes the runs of schedules ahead of their time."),
    "foreman": ("server.services.foreman.enabled", "Marks workers and queues that have gone silent."),
    "lease-repossessor": (None, "Frees the slots of leases that have expired."),
    "lease-reaper": (None, "Marks runs whose process has died as Crashed."),
    "recovery": (None, "Schedules runs again that a dead runner has left."),
    "retention": (None, "Deletes old runs and their logs."),
    "event-retention": ("server.services.db_vacuum.enabled", "Deletes old events."),
}
"""Each service: the setting that turns it on (None: it always runs), and what it does."""


def run_services(announce: Callable[[], None]) -> None:
    """Run the services that the settings turn on until SIGINT or SIGTERM.

    Args:
        announce: called once they run.

    Raises:
        StoreError: the store cannot be opened.
    """
    setup_logging()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # in every thread that follows: `sigwait` takes them
    try:
        local_backend()  # what is wrong with the store is said at once
        services = Services(enabled_services(get_current_settings()), local_backend, leads)
        services.start()
        announce()
        signal.sigwait(_SIGNALS)
        services.stop()
        close()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def leads(name: str) -> bool:
    """Whether this process does the service of that name, among all that are on the same store."""
    return local_backend().store.leads(name)


def is_on(name: str, settings: Settings) -> bool:
    """Whether the settings turn a service on."""
    path, _ = ABOUT[name]
    return path is None or bool(settings.values[path])

"""What goes on beside the runs: without a server its services, and the runner's own web server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect.runner.runner import Runner


class Housekeeping:
    """A context manager.

    Args:
        answering: the runner that answers over HTTP; None for one that does not.
        services: without a server, make the runs of schedules and do what else a server does by itself.
    """

    def __init__(self, answering: Runner | None, *, services: bool) -> None:
        self._answering = answering
        self._services = services and not get_current_settings().api.url
        self._ending = ExitStack()

    def __enter__(self) -> None:
        with ExitStack() as starting:
            if self._services:
                from prefect._backend.resolve import local_backend  # not where a server does it
                from prefect._services.services import Services, enabled_services  # likewise

                services = Services(
                    enabled_services(get_current_settings()), local_backend, local_backend().store.leads
                )
                services.start()
                starting.callback(services.stop)
            if self._answering is not None:
                from prefect.runner.server import Answering  # 300 ms of import that few ask for

                starting.enter_context(Answering(self._answering))
            self._ending = starting.pop_all()

    def __exit__(self, *exc: object) -> None:
        self._ending.close()

"""Whom an endpoint is asked through: the store, the backend on it, and who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._api.actor import Actor
    from prefect._backend.local import LocalBackend
    from prefect._storage.protocol import Store


class Api:
    """What every function of the table gets first; one for each request.

    Args:
        backend: on the store in this process.
        actor: who asks; None for the owner of an embedded store, and where a server asks nobody for a name.
        url_of: see `url`; few answers hold a link.
    """

    __slots__ = ("_url_of", "actor", "backend", "status")

    def __init__(
        self, backend: LocalBackend, actor: Actor | None = None, url_of: Callable[[], str] = str
    ) -> None:
        self.backend = backend
        self.actor = actor
        self._url_of = url_of
        self.status: int | None = None  # set where it is not the endpoint's own

    @property
    def store(self) -> Store:
        """Rows."""
        return self.backend.store

    @property
    def url(self) -> str:
        """Under which the asker reaches the API, for links in answers; without a server, empty."""
        return self._url_of()

    def created(self) -> None:
        """Say that an upsert has made something new."""
        self.status = 201

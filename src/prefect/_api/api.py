"""Whom an endpoint is asked through: the store, the backend on it, and who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._api.actor import Actor
    from prefect._backend.local import LocalBackend
    from prefect._storage.protocol import Store


class Api:
    """What every function of the table gets first; one for each request.

    Args:
        backend: on the store in this process.
        actor: who asks; None for the owner of an embedded store, and where a server asks nobody for a name.
        url: under which the asker reaches the API, for links in answers; without a server, empty.
    """

    __slots__ = ("actor", "backend", "status", "url")

    def __init__(self, backend: LocalBackend, actor: Actor | None = None, url: str = "") -> None:
        self.backend = backend
        self.actor = actor
        self.url = url
        self.status: int | None = None  # set where it is not the endpoint's own

    @property
    def store(self) -> Store:
        """Rows."""
        return self.backend.store

    def created(self) -> None:
        """Say that an upsert has made something new."""
        self.status = 201

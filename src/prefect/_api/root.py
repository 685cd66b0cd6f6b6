"""Is it there, is it ready, and which version is it."""

from __future__ import annotations

from typing_extensions import TypedDict

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._version import REST_VERSION


class Message(TypedDict):
    """A word for whoever asks."""

    message: str


@endpoint("GET", "/health")
def read_health(api: Api) -> bool:  # noqa: ARG001 - asks nothing of the store: that is `ready`
    """True: the server answers."""
    return True


@endpoint("GET", "/ready")
def read_ready(api: Api) -> Message:
    """Whether the store can be reached. Raises StoreError (503) where it cannot."""
    api.store.row("SELECT 1")
    return Message(message="OK")


@endpoint("GET", "/version")
def read_version(api: Api) -> str:  # noqa: ARG001 - a constant
    """The version of the API."""
    return REST_VERSION


@endpoint("GET", "/hello")
def say_hello(api: Api) -> str:  # noqa: ARG001 - a constant
    """A wave."""
    return "👋"

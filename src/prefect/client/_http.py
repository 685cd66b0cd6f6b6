"""Opening `httpx` clients."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from prefect._backend.connecting import access_of, httpx_options
from prefect._backend.csrf import Csrf
from prefect.client._exchange import Manner
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import httpx


def manner_of(url: str, auth_string: str | None, api_key: str | None) -> Manner:
    """How a client asks a server, as the settings say."""
    settings = get_current_settings()
    access = access_of(settings, url)._replace(auth_string=auth_string, key=api_key)
    return Manner(access, settings.client.max_retries, Csrf(enabled=access.csrf))


def open_client(manner: Manner, settings: dict[str, Any] | None) -> httpx.Client:
    """A client of a server; `settings` are arguments of `httpx.Client` that go before ours."""
    import httpx  # 60 ms of import that programs without a server never need

    return httpx.Client(**_options(manner, settings))


def open_async_client(manner: Manner, settings: dict[str, Any] | None) -> httpx.AsyncClient:
    """The same for an event loop."""
    import httpx  # 60 ms of import that programs without a server never need

    _stop_searching("sniffio")
    return httpx.AsyncClient(**_options(manner, settings))


def _stop_searching(name: str) -> None:
    """Let every import of a module fail at once that is not installed.

    The transport asks for this one several times a request, and Python remembers no failure: it searches its whole
    path each time, which is half of the request's time.
    """
    if name not in sys.modules and find_spec(name) is None:
        sys.modules[name] = None  # type: ignore[assignment] # what Python itself has for that


def _options(manner: Manner, settings: dict[str, Any] | None) -> dict[str, Any]:
    ours, given = httpx_options(manner.access), dict(settings or {})
    headers = {**ours.pop("headers"), **dict(given.pop("headers", None) or {})}
    return {**ours, "headers": headers, **given}

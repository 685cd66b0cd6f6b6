"""Opening `httpx` clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._version import __version__
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import httpx

API_VERSION = "0.8.4"


def open_client(
    url: str, auth_string: str | None, api_key: str | None, settings: dict[str, Any] | None
) -> httpx.Client:
    """A client of a server."""
    import httpx  # 60 ms of import that programs without a server never need

    return httpx.Client(**_options(url, auth_string, api_key), **(settings or {}))


def open_async_client(
    url: str, auth_string: str | None, api_key: str | None, settings: dict[str, Any] | None
) -> httpx.AsyncClient:
    """The same for an event loop."""
    import httpx  # 60 ms of import that programs without a server never need

    return httpx.AsyncClient(**_options(url, auth_string, api_key), **(settings or {}))


def _options(url: str, auth_string: str | None, api_key: str | None) -> dict[str, Any]:
    headers = {
        "X-PREFECT-API-VERSION": API_VERSION,
        "User-Agent": f"prefect/{__version__} (API {API_VERSION})",
    }
    timeout = get_current_settings().api.request_timeout
    options: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": timeout}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    elif auth_string:
        options["auth"] = tuple(auth_string.split(":", 1))
    return options

"""How a server is spoken to: headers, credentials, TLS, which answers are worth a repeat, and when."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

API_VERSION = "0.8.4"
TRANSIENT = frozenset((408, 429, 502, 503, 504))
LONGEST_DELAY = 5.0
_FIRST_DELAY = 0.1


class Access(NamedTuple):
    """A server and how it lets us in.

    `auth_string` is `user:password`, `key` a token; `verify` False leaves the server's certificate unchecked,
    `ca_file` is a bundle to check it by. Times are seconds.
    """

    url: str
    auth_string: str | None = None
    key: str | None = None
    timeout: float = 60.0
    verify: bool = True
    ca_file: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    extra_codes: frozenset[int] = frozenset()
    jitter: float = 0.2
    csrf: bool = True


def access_of(settings: Any, url: str) -> Access:
    """How the settings say a server is to be reached."""
    api, client = settings.api, settings.client
    return Access(
        url.rstrip("/"),
        api.auth_string,
        api.key,
        api.request_timeout,
        not api.tls_insecure_skip_verify,
        api.ssl_cert_file,
        tuple(sorted(client.custom_headers.items())),
        frozenset(client.retry_extra_codes),
        client.retry_jitter_factor,
        client.csrf_support_enabled,
    )


def httpx_options(access: Access) -> dict[str, Any]:
    """The arguments of `httpx.Client` and `httpx.AsyncClient`."""
    headers = {
        "X-PREFECT-API-VERSION": API_VERSION,
        "User-Agent": f"prefect/{__version__} (API {API_VERSION})",
        **dict(access.headers),
    }
    options: dict[str, Any] = {"base_url": access.url, "headers": headers, "timeout": access.timeout}
    if access.key:
        headers["Authorization"] = f"Bearer {access.key}"
    elif access.auth_string:
        options["auth"] = tuple(access.auth_string.split(":", 1))
    options["verify"] = _verification(access)
    return options


def _verification(access: Access) -> Any:
    if not access.verify or access.url.startswith("http://"):
        return False  # reading the bundle of certificates takes 20 ms that plain HTTP has no use for
    if access.ca_file is None:
        return True
    import ssl  # only where a bundle is named

    return ssl.create_default_context(cafile=access.ca_file)


def delay_before(attempt: int, jitter: float, asked: float | None = None) -> float:
    """Seconds to wait before the repeat after failure number `attempt` (from 1), doubling up to `LONGEST_DELAY`.

    Args:
        attempt: how many failures there were.
        jitter: the share of the delay that is random, so that clients do not all come back at once.
        asked: what the server asked for in `Retry-After`.
    """
    delay = min(LONGEST_DELAY, _FIRST_DELAY * 2 ** min(attempt - 1, 16)) if asked is None else asked
    return delay * (1 + random.uniform(0, jitter))  # noqa: S311 - nothing is kept secret by it


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in a `Retry-After` header; None where there is none, or it is a date."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None


def is_transient(response: httpx.Response, access: Access) -> bool:
    """Whether the same request may be answered otherwise later."""
    return response.status_code in TRANSIENT or response.status_code in access.extra_codes

"""One request and its answer, with everything that may lie between: repeats, and a CSRF token. Both clients' in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._backend.connecting import delay_before, is_transient, retry_after
from prefect._base.clock import clock
from prefect._base.drive import Call

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from prefect._backend.connecting import Access
    from prefect._backend.csrf import Csrf

    Steps = Generator[Call, Any, httpx.Response]

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_REPEATABLE = _SAFE | {"PATCH", "PUT", "DELETE"}
_READING = ("/filter", "/paginate", "/count", "/history", "/lateness")


class Manner(NamedTuple):
    """How a client asks: whom, how often it repeats, and with what token."""

    access: Access
    max_retries: int
    csrf: Csrf


def exchange(manner: Manner, send: Any, send_async: Any, request: dict[str, Any]) -> Steps:
    """Send a request until it has an answer that is worth having.

    Args:
        manner: how.
        send: `httpx.Client.request`; None for the driver that awaits.
        send_async: `httpx.AsyncClient.request`; None for the other.
        request: the arguments of either.

    Raises:
        httpx.TransportError: there was no answer; the message names the server and says what to do.
    """
    import httpx  # 60 ms of import that programs without a server never need

    failures, has_token = 0, False
    while True:
        headers = {**request.get("headers", {}), **_token(manner.csrf, request)}
        try:
            response = yield Call(send, kwargs={**request, "headers": headers}, afn=send_async)
        except httpx.TransportError as exc:
            failures += 1
            if failures > manner.max_retries or not _may_be_repeated(request, exc):
                raise _not_reachable(manner.access, request, exc) from exc
            delay = delay_before(failures, manner.access.jitter)
        else:
            if manner.csrf.is_asked_for(response) and not has_token:
                has_token = manner.csrf.take((yield Call(send, ("GET", manner.csrf.path), afn=send_async)))
                if has_token:
                    continue
            failures += 1
            if failures > manner.max_retries or not is_transient(response, manner.access):
                return response
            delay = delay_before(failures, manner.access.jitter, retry_after(response.headers))
        yield Call(clock().sleep, (delay,), afn=clock().sleep_async)


def _token(csrf: Csrf, request: dict[str, Any]) -> dict[str, str]:
    return {} if request["method"] in _SAFE else csrf.headers()


def _may_be_repeated(request: dict[str, Any], exc: httpx.TransportError) -> bool:
    """Whether the server cannot have done it yet, or doing it twice is doing it once."""
    import httpx  # loaded: it has raised

    never_sent = isinstance(exc, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return never_sent or request["method"] in _REPEATABLE or request["url"].endswith(_READING)


def _not_reachable(
    access: Access, request: dict[str, Any], exc: httpx.TransportError
) -> httpx.TransportError:
    text = (
        f"The server at PREFECT_API_URL={access.url} did not answer {request['method']} {request['url']} "
        f"({str(exc) or type(exc).__name__}). Start it, or correct the URL, or unset it to use the store of this "
        "machine."
    )
    return type(exc)(text, request=getattr(exc, "_request", None))

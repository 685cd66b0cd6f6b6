"""How a client asks: in this process, or over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote
from uuid import UUID

from prefect._api.api import Api
from prefect._api.later import NotYet
from prefect._api.plain import Plain
from prefect._api.root import say_hello
from prefect._backend.resolve import local_backend
from prefect._base.drive import drive, drive_async
from prefect.client._errors import raise_for
from prefect.client._exchange import exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from prefect._api.endpoint import Endpoint
    from prefect.client._exchange import Manner, Steps

    Arguments = Mapping[str, Any]


class Transport(Protocol):
    """What a client asks through."""

    def send(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask, and wait for the answer."""
        ...

    async def send_async(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask from an event loop."""
        ...

    def raw(self, method: str, path: str, options: dict[str, Any]) -> Steps:
        """Any request, whose response is answered as it is."""
        ...


class InProcess:
    """The store of this process, without a port: the functions themselves are called."""

    def send(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask, and wait for the answer."""
        try:
            return asked.function(Api(local_backend()), **arguments)
        except NotYet as exc:
            later = exc
        return later.wait()

    async def send_async(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask at once: a local call takes less than handing it to a thread."""
        try:
            return asked.function(Api(local_backend()), **arguments)
        except NotYet as exc:
            later = exc
        return await later.wait_async()

    def raw(self, method: str, path: str, options: dict[str, Any]) -> Steps:  # noqa: ARG002 - of the protocol
        """Only a wave can be answered without a server. Raises RuntimeError for anything else."""
        if (method, path) != ("GET", "/hello"):
            raise RuntimeError(
                f"Expected a server to send {method} {path} to, got the store of this process: "
                "set PREFECT_API_URL, or use the client's other methods."
            )
        import httpx  # 60 ms of import that programs without a server never need

        yield from ()
        return httpx.Response(200, json=say_hello(Api(local_backend())))


class OverHttp:
    """A server. One of the two `httpx` clients is there, whichever kind the user has opened."""

    def __init__(
        self, manner: Manner, client: httpx.Client | None, async_client: httpx.AsyncClient | None
    ) -> None:
        self._manner = manner
        self._client = client
        self._async_client = async_client

    def send(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask, and wait for the answer."""
        assert self._client is not None
        request = request_of(asked, arguments)
        return answer_of(asked, drive(exchange(self._manner, self._client.request, None, request)))

    async def send_async(self, asked: Endpoint[..., Any], arguments: Arguments) -> Any:
        """Ask from an event loop."""
        assert self._async_client is not None
        request = request_of(asked, arguments)
        steps = exchange(self._manner, None, self._async_client.request, request)
        return answer_of(asked, await drive_async(steps))

    def raw(self, method: str, path: str, options: dict[str, Any]) -> Steps:
        """The response, whatever its status."""
        send = self._client.request if self._client is not None else None
        send_async = self._async_client.request if self._async_client is not None else None
        return exchange(self._manner, send, send_async, {"method": method, "url": path, **options})


def request_of(asked: Endpoint[..., Any], arguments: Arguments) -> dict[str, Any]:
    """The request, as the arguments of `httpx.Client.request`."""
    path = asked.path.format(**{name: quote(str(arguments[name]), safe="") for name in asked.in_path})
    query = {
        asked.spelled.get(name, name): str(value) if isinstance(value, UUID) else value
        for name, value in arguments.items()
        if name not in asked.in_path and name != "body"
    }
    request: dict[str, Any] = {"method": asked.method, "url": path, "params": query}
    if asked.bodies is not None and "body" in arguments:
        request["content"] = asked.bodies.dump_json(arguments["body"], exclude_unset=True, by_alias=True)
        request["headers"] = {"Content-Type": "application/json"}
    return request


def answer_of(asked: Endpoint[..., Any], response: httpx.Response) -> Any:
    """What the server has answered, as the endpoint's function would have returned it.

    Raises:
        ObjectNotFound, ObjectAlreadyExists: as the function does.
        PrefectHTTPStatusError: for any other refusal.
    """
    raise_for(response)
    if asked.signature.return_annotation is Plain:
        return Plain(response.text, response.headers["content-type"])
    return asked.answers.validate_json(response.content) if response.content else None

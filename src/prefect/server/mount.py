"""The table of endpoints as an ASGI application.

An endpoint is a plain function, and runs in a thread of a small pool. Arguments, bodies and answers are read and
written by pydantic, from bytes and to bytes; schemas are built when they are first asked for, not when the server
starts. FastAPI's own routes cost 400 µs a request (of 650), which is why this is not one of them.
"""

from __future__ import annotations

import asyncio
from gzip import compress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.requests import Request

from prefect._api.errors import Refused
from prefect._api.later import NotYet
from prefect._api.plain import Plain
from prefect.server.arguments import arguments_of
from prefect.server.body import read_body
from prefect.server.errors import NOT_FOUND, Answer, answer_to, detail
from prefect.server.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.types import Message, Receive, Scope, Send

    from prefect._api.api import Api
    from prefect._api.endpoint import Endpoint
    from prefect.server.pool import Pool

    ApiOf = Callable[[Request, Endpoint[..., Any]], Api]

NO_CONTENT = 204
GZIP_FROM = 16_384  # bytes; below that a compressed answer is not worth its time


class TableApp:
    """Answers every endpoint of a table below a path.

    Args:
        endpoints: of the table.
        api_of: whom a request asks, called in the thread of the request; raises Refused where it may not.
        prefix: the path that the endpoints' paths begin below, such as `/api`.
        greatest_body: bytes that a request may hold.
        pool: whose threads run the endpoints.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint[..., Any]],
        api_of: ApiOf,
        prefix: str,
        greatest_body: int,
        pool: Pool,
    ) -> None:
        self._paths: Paths[Endpoint[..., Any]] = Paths(endpoints)
        self._api_of = api_of
        self._prefix = prefix
        self._greatest_body = greatest_body
        self._pool = pool

    def knows(self, scope: Scope) -> bool:
        """Whether an endpoint stands at the path of a request."""
        path = _path(scope)
        return path.startswith(self._prefix) and self._paths.knows(path.removeprefix(self._prefix))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": NOT_FOUND})
            return
        answer = await self._answer(Request(scope, receive))
        await send_answer(answer, send)
        if answer.parts is not None:
            await self._send_parts(answer.parts, send)

    async def _send_parts(self, parts: Iterator[str], send: Send) -> None:
        """Each is made in a thread, when the one before is sent. One that fails ends the connection, unfinished."""

        def following() -> str | None:
            return next(parts, None)

        while (part := await self._pool.run(following)) is not None:
            await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, request: Request) -> Answer:
        path = _path(request.scope).removeprefix(self._prefix)
        found = self._paths.find(path, request.method)
        if found is None:
            return self._moved(request, path)
        one = found.methods.get(request.method)
        if one is None:
            return detail(405, "Method Not Allowed", {"Allow": ", ".join(sorted(found.methods))})
        request.scope["prefect.endpoint"] = one  # for who measures and logs
        try:
            body = await read_body(request, self._greatest_body)
        except Refused as exc:
            return detail(exc.status, exc.detail, {"Connection": "close"})
        answer = await self._pool.run(self._run, one, request, found.arguments, body)
        return answer if isinstance(answer, Answer) else await self._later(one, request, answer)

    async def _later(self, one: Endpoint[..., Any], request: Request, late: NotYet) -> Answer:
        """What is to be waited for; nobody waits for who has gone."""
        gone = asyncio.ensure_future(_gone(request))
        settled = asyncio.ensure_future(late.settled())
        try:
            await asyncio.wait({gone, settled}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                await self._pool.run(late.give_up)
                return Answer(499, b"")
        except BaseException:
            late.give_up()
            raise
        finally:
            gone.cancel()
            settled.cancel()
        if late.waiter.answer is not None:
            return self._end(one, late)  # it is there; the way to a thread and back would take longer
        return await self._pool.run(self._end, one, late)

    def _end(self, one: Endpoint[..., Any], late: NotYet) -> Answer:
        try:
            return Answer(one.status, one.answers.dump_json(late.end()))
        except Exception as exc:
            return answer_to(exc, b"")

    def _moved(self, request: Request, path: str) -> Answer:
        other = self._paths.other_spelling(path)
        if other is None:
            return detail(404, NOT_FOUND)
        return Answer(307, b"", {"Location": str(request.url.replace(path=f"{self._prefix}{other}"))})

    def _run(
        self, one: Endpoint[..., Any], request: Request, in_path: dict[str, str], body: bytes
    ) -> Answer | NotYet:
        try:
            api = self._api_of(request, one)
            arguments = arguments_of(one, in_path, request.scope["query_string"])
            if one.bodies is not None:
                arguments["body"] = one.read_body(body)
            if one.write is not None:
                content = one.write(api, **arguments)
                return _compressed(request, Answer(api.status or one.status, content))
            answer = one.function(api, **arguments)
            status = api.status or one.status
            if status == NO_CONTENT:
                return Answer(status, b"")
            if isinstance(answer, Plain):
                return _plain(request, status, answer)
            return _compressed(request, Answer(status, one.answers.dump_json(answer)))
        except NotYet as exc:
            return exc
        except Exception as exc:
            return answer_to(exc, body)


async def _gone(request: Request) -> None:
    """Until the client closes the connection: all of the request has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _path(scope: Scope) -> str:
    """With its escapes: a slash in an argument divides nothing."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("latin-1")


def _plain(request: Request, status: int, answer: Plain) -> Answer:
    """Text that is there is sent whole; what comes in parts begins with none of them."""
    if isinstance(answer.content, str):
        return _compressed(
            request, Answer(status, answer.content.encode(), answer.headers, answer.media_type)
        )
    return Answer(status, b"", answer.headers, answer.media_type, iter(answer.content))


def _compressed(request: Request, answer: Answer) -> Answer:
    """Smaller, where it goes over a network to who takes it."""
    if len(answer.content) < GZIP_FROM or "gzip" not in request.headers.get("accept-encoding", ""):
        return answer
    if request.client is None or request.client.host in {"127.0.0.1", "::1"}:
        return answer
    headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return answer._replace(content=compress(answer.content, 1, mtime=0), headers=headers)


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer to an ASGI server; of one in parts, how it begins."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.cookies]
    if answer.status != NO_CONTENT and answer.parts is None:
        headers.append((b"content-length", str(len(answer.content)).encode()))
    if answer.content or answer.parts is not None:
        headers.append((b"content-type", answer.media_type.encode()))
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    if answer.parts is None:
        await send({"type": "http.response.body", "body": answer.content})

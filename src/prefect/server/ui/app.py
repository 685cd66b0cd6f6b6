"""The pages as an ASGI application: a request becomes a call of a page's function, in a thread; a view becomes HTML."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, unquote
from uuid import UUID

from starlette.datastructures import FormData, Headers
from starlette.requests import Request

from prefect._api.api import Api
from prefect._api.errors import Refused
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, StoreError
from prefect.server.auth import is_open
from prefect.server.body import read_body
from prefect.server.errors import Answer, answer_to
from prefect.server.mount import send_answer
from prefect.server.paths import Paths
from prefect.server.ui import door, news
from prefect.server.ui.assets import BELOW, assets
from prefect.server.ui.page import Asked, File, Move, Page, View
from prefect.server.ui.views import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from prefect._backend.local import LocalBackend
    from prefect.server.paths import Found
    from prefect.server.pool import Pool

HTML: Final = "text/html; charset=utf-8"
GREATEST_FORM: Final = 1_000_000
_ALWAYS = frozenset(("/login",))


class UiApp:
    """Answers every path of the UI.

    Args:
        backend: gives the backend on the store that is served.
        pool: whose threads make the pages.
        prefix: of the API, for links to it.
    """

    def __init__(self, backend: Callable[[], LocalBackend], pool: Pool, prefix: str) -> None:
        self._prefix = prefix
        self._backend = backend
        self._paths: Paths[Page] = Paths(PAGES)
        self._pool = pool
        self._news = news.News(backend)

    def knows(self, scope: Scope) -> bool:
        """Whether a page, or what pages load, stands at the path of a request."""
        path: str = scope["path"]
        return scope["type"] == "http" and (path.startswith(BELOW) or self._paths.knows(path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        headers = request.headers
        name = request.url.path.removeprefix(BELOW)
        if request.url.path == BELOW + "news":
            if self._refusal(request) is None:
                await self._news.tell(scope, receive, send)
            else:
                await send_answer(Answer(401, b""), send)
        elif request.url.path.startswith(BELOW):
            await send_answer(_asset(name, headers), send)
        else:
            answer = await self._answer(request)
            await send_answer(answer, send)
            if answer.parts is not None:
                for part in answer.parts:
                    await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
                await send({"type": "http.response.body", "body": b""})

    async def _answer(self, request: Request) -> Answer:
        try:
            body = await read_body(request, GREATEST_FORM)
        except Refused as exc:
            return Answer(exc.status, exc.detail.encode(), {"Connection": "close"}, "text/plain")
        return await self._pool.run(self._run, request, body)

    def _run(self, request: Request, body: bytes) -> Answer:
        found = self._paths.find(request.url.path, "GET" if request.method == "HEAD" else request.method)
        cookies = door.cookies_of(request.headers)
        form = FormData([*parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)])
        token = cookies.get(door.CSRF) or door.new_csrf()
        try:
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            api = Api(
                self._backend(),
                request.scope["state"].get("actor"),
                lambda: str(request.base_url.replace(path=self._prefix)),
            )
            asked = Asked(
                api,
                request.scope,
                path=request.url.path,
                query=request.query_params,
                form=form,
                csrf=token,
                cookies=cookies,
            )
            assert found is not None  # `knows` was asked
            return _said(asked, _made(asked, found, request), request.headers, cookies)
        except StoreError as exc:
            return Answer(503, str(exc).encode(), {"Retry-After": "1"}, "text/plain; charset=utf-8")

    def _refusal(self, request: Request) -> Answer | None:
        """Where whoever asks is sent to log in; None where they may go on, with `scope["state"]["actor"]` set."""
        backend = self._backend()
        actor = None
        if not is_open(backend):
            actor = door.who(backend, door.cookies_of(request.headers))
            if actor is None and request.url.path not in _ALWAYS:
                back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return _moved(f"/login?next={quote(back, safe='')}" if request.method == "GET" else "/login")
        request.scope.setdefault("state", {})["actor"] = actor
        return None


def _made(asked: Asked, found: Found[Page], request: Request) -> View | Move | File:
    """What the page's function gives; what goes wrong is a page as well, or said on the one it came from."""
    try:
        return _wanted(asked, found, request)()
    except ObjectNotFound as exc:
        return _wrong(404, str(exc) or "There is nothing at this address.")
    except ObjectAlreadyExists as exc:
        return Move(_within(str(asked.form.get("back") or asked.path)), str(exc), failed=True)
    except Refused as exc:
        if request.method == "POST":
            return Move(_within(str(asked.form.get("back") or asked.path)), str(exc.detail), failed=True)
        return _wrong(exc.status, str(exc.detail))
    except StoreError:
        raise
    except Exception as exc:
        return _wrong(answer_to(exc, b"").status, "Something went wrong here. The server's log says what.")


def _wanted(asked: Asked, found: Found[Page], request: Request) -> Callable[[], View | Move | File]:
    """The call that makes the answer. Raises Refused, ObjectNotFound."""
    one = found.methods.get("GET" if request.method == "HEAD" else request.method)
    if one is None:
        raise Refused("There is nothing to be done at this address.", status=405)
    sent = str(asked.form.get("csrf", ""))
    if request.method == "POST" and not door.is_ours(request.headers, asked.cookies.get(door.CSRF, ""), sent):
        raise Refused("This form is too old, or not of this site. Load the page again.", status=403)
    return partial(one.function, asked, **_arguments(one, found.arguments))


def _arguments(one: Page, given: Mapping[str, str]) -> dict[str, Any]:
    kinds = one.signature.parameters
    try:
        return {
            name: UUID(value) if kinds[name].annotation is UUID else unquote(value)
            for name, value in given.items()
        }
    except ValueError:
        raise Refused("There is nothing at this address.", status=404) from None


def _wrong(status: int, message: str) -> View:
    return View("wrong.html", "Not found" if status == 404 else "Error", {"message": message}, status=status)


def _within(address: str) -> str:
    """An address of this server's; its first page where it is none."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def _said(asked: Asked, made: View | Move | File, headers: Headers, cookies: Mapping[str, str]) -> Answer:
    if isinstance(made, Move):
        said = {"said": ("!" if made.failed else "") + made.said} if made.said else {}
        return _moved(_within(made.to), {**said, **made.cookies})
    if isinstance(made, File):
        disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
        return Answer(200, b"", {"Content-Disposition": disposition}, made.media_type, made.parts)
    from prefect.server.ui.render import (
        html_of,
    )  # templates take 60 ms to import: the server starts without them

    content = html_of(made, asked).encode()
    mark = f'"{blake2b(content, digest_size=8).hexdigest()}"'
    answered = {"Cache-Control": "no-cache", "ETag": mark}
    fresh: list[str] = []
    if "said" in cookies:
        fresh.append(_cookie("said", "", 0))
    if door.CSRF not in cookies:
        fresh.append(_cookie(door.CSRF, asked.csrf))
    if headers.get("if-none-match") == mark:
        return Answer(304, b"", answered, cookies=tuple(fresh))
    return Answer(made.status, content, answered, HTML, cookies=tuple(fresh))


def _moved(to: str, cookies: Mapping[str, str] | None = None) -> Answer:
    headers = {"Location": quote(to, safe="/?&=%:+,;@!$'()*~#[]"), "Cache-Control": "no-store"}
    set_ = tuple(_cookie(name, value, None if value else 0) for name, value in (cookies or {}).items())
    return Answer(303, b"", headers, cookies=set_)


def _cookie(name: str, value: str, lasts: int | None = None) -> str:
    one = SimpleCookie({name: quote(value)})[name]
    one["path"], one["httponly"], one["samesite"] = "/", True, "Strict"
    if lasts is not None:
        one["max-age"] = lasts
    elif name == door.SESSION:
        one["max-age"] = door.LASTS_SECONDS
    elif name in {"theme", "density"}:
        one["max-age"] = 31_536_000
    return one.OutputString()


def _asset(name: str, headers: Headers) -> Answer:
    found = assets().get(name)
    if found is None:
        return Answer(404, b"Not Found", {}, "text/plain")
    answered = {"ETag": f'"{found.mark}"', "Cache-Control": "no-cache"}
    if headers.get("if-none-match") == answered["ETag"]:
        return Answer(304, b"", answered)
    return Answer(200, found.content, answered, found.media_type)

"""A page: a function of the UI with its path, and what it is given and gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from starlette.datastructures import FormData, QueryParams

from prefect._base.placed import Placed
from prefect.server.guard import demand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from typing import Concatenate

    from prefect._api.actor import Actor
    from prefect._api.api import Api
    from prefect._api.endpoint import Endpoint

P = ParamSpec("P")
R = TypeVar("R")


class Asked:
    """One request for a page, or for something to be done.

    Args:
        api: whom to ask; whoever looks is its `actor`.
        scope: of the request.
        path: what stands in the browser's address line, without the query.
        query: filters and tabs.
        form: what was sent with a change; empty where a page is looked at.
        csrf: the token that every form of the page carries.
        cookies: theme, density, and what the last change came to.
    """

    def __init__(
        self,
        api: Api,
        scope: MutableMapping[str, Any],
        *,
        path: str,
        query: QueryParams,
        form: FormData,
        csrf: str,
        cookies: dict[str, str],
    ) -> None:
        self.api = api
        self.path = path
        self.query = query
        self.form = form
        self.csrf = csrf
        self.cookies = cookies
        self._scope = scope

    @property
    def actor(self) -> Actor | None:
        """Who looks; None where the server asks nobody for a name."""
        return self.api.actor

    @property
    def address(self) -> str:
        """From where; empty where that is not known."""
        client = self._scope.get("client")
        return client[0] if client else ""

    def may(self, endpoint: Endpoint[..., Any]) -> bool:
        """Whether whoever looks may ask an endpoint: what they may not do is not offered."""
        return self.actor is None or self.actor.may(endpoint.role)

    def do(self, endpoint: Endpoint[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask an endpoint that changes something, as its role and the audit log want it. Raises Refused (403)."""
        demand(self.actor, endpoint.role)
        self._scope["prefect.endpoint"] = endpoint
        return endpoint(self.api, *args, **kwargs)


class View:
    """A page to show.

    Args:
        template: its file.
        title: of the browser's tab.
        values: what the template needs.
        status: of the answer.
    """

    def __init__(
        self, template: str, title: str, values: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> None:
        self.template = template
        self.title = title
        self.values = values or {}
        self.status = status


class Move:
    """Go to another page, which says what was done.

    Args:
        to: its path, within this server.
        said: what was done, or why it was not.
        failed: whether it was not.
        cookies: to set.
    """

    def __init__(
        self, to: str, said: str = "", *, failed: bool = False, cookies: dict[str, str] | None = None
    ) -> None:
        self.to = to
        self.said = said
        self.failed = failed
        self.cookies = cookies or {}


class File:
    """Something to save, in parts that are made one by one."""

    def __init__(self, name: str, media_type: str, parts: Iterator[str]) -> None:
        self.name = name
        self.media_type = media_type
        self.parts = parts


class Page(Placed):
    """A function `(asked, **arguments of the path) -> View, Move or File` with its method and path."""


PAGES: list[Page] = []


def page(path: str, method: str = "GET") -> Callable[[Callable[Concatenate[Asked, P], R]], Callable[..., R]]:
    """Show at that path what the decorated function gives; with the method POST, do what it does."""

    def declare(function: Any) -> Any:
        PAGES.append(Page(function, method, path))
        return function

    return declare

"""An endpoint: a function of the API, and how it is spelled over HTTP."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from pydantic import TypeAdapter

from prefect._base.placed import Placed

if TYPE_CHECKING:
    from prefect._api.api import Api

P = ParamSpec("P")
R = TypeVar("R")


class Endpoint(Placed, Generic[P, R]):
    """A function `(api, **arguments) -> answer` with its method and path.

    The arguments that the path names come from it. The one named `body` is the request's JSON (a schema, or a list
    of them); every other one is a query parameter. What the function returns is the answer's JSON.

    Args:
        function: what is asked.
        method: of HTTP.
        path: below `/api`, with `{name}` for each argument in it.
        status: of the answer; an upsert that has made something new says so (`Api.created`), and answers 201.
        role: what a user must be to ask: `viewer`, `operator` or `admin`.
        audited: whether the audit log keeps each request.
        spelled: how query parameters are spelled that no argument can be named after.
        also: further statuses that it answers with, besides those of its kind.
    """

    def __init__(
        self,
        function: Callable[Concatenate[Api, P], R],
        method: str,
        path: str,
        *,
        status: int,
        role: str,
        audited: bool,
        spelled: Mapping[str, str],
        also: Collection[int] = (),
    ) -> None:
        super().__init__(function, method, path)
        self.function: Callable[Concatenate[Api, P], R] = function
        self.status = status
        self.role = role
        self.audited = audited
        self.spelled = spelled
        self.also = also
        self.name = function.__name__
        self.write: Callable[..., bytes] | None = None
        self.__doc__ = function.__doc__

    def __call__(self, api: Api, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask here, in this process."""
        return self.function(api, *args, **kwargs)

    def written(self, write: Callable[Concatenate[Api, P], bytes]) -> None:
        """Use as a decorator: what answers over HTTP, where JSON can be made without the objects that it stands for."""
        self.write = write

    @cached_property
    def in_path(self) -> frozenset[str]:
        """The arguments that the path names."""
        return frozenset(name for name in self.signature.parameters if f"{{{name}}}" in self.path)

    @cached_property
    def answers(self) -> TypeAdapter[R]:
        """What reads and writes the answer's JSON."""
        return TypeAdapter(self.signature.return_annotation)

    def read_body(self, content: bytes) -> Any:
        """The body in a request's bytes; without any, the default. Raises pydantic's ValidationError."""
        assert self.bodies is not None
        default = self.signature.parameters["body"].default
        if not content and default is not inspect.Parameter.empty:
            return default
        return self.bodies.validate_json(content or b"null")

    @cached_property
    def bodies(self) -> TypeAdapter[Any] | None:
        """What reads and writes the request's JSON; None where there is none."""
        body = self.signature.parameters.get("body")
        return TypeAdapter(body.annotation) if body is not None else None


TABLE: list[Endpoint[Any, Any]] = []


def endpoint(
    method: str,
    path: str,
    *,
    status: int = 200,
    role: str | None = None,
    audited: bool = True,
    spelled: Mapping[str, str] | None = None,
    also: Collection[int] = (),
) -> Callable[[Callable[Concatenate[Api, P], R]], Endpoint[P, R]]:
    """Put a function into the table.

    Without `role`, reading (GET, and POST to `/filter`, `/count` and the like) asks for a viewer, and everything
    else for an operator. The audit log keeps what does not read, but for what machines report all the time (log
    lines, heartbeats): that says `audited=False`. `also` names, for the OpenAPI document, further statuses.
    """
    reads = _reads(method, path)
    asked = role or ("viewer" if reads else "operator")

    def declare(function: Callable[Concatenate[Api, P], R]) -> Endpoint[P, R]:
        made = Endpoint(
            function,
            method,
            path,
            status=status,
            role=asked,
            spelled=spelled or {},
            also=also,
            audited=audited and asked != "viewer" and not reads,
        )
        TABLE.append(made)
        return made

    return declare


_READING = ("/filter", "/paginate", "/count", "/history", "/lateness")


def _reads(method: str, path: str) -> bool:
    return method == "GET" or (method == "POST" and path.endswith(_READING))

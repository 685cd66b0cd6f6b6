"""The table of endpoints as routes of FastAPI.

FastAPI matches the path and reads its arguments. Bodies and answers are read and written by pydantic itself, from
bytes and to bytes: that is faster, and the schemas of 150 paths are built when they are first asked for, not when
the server starts.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefect._api.api import Api
    from prefect._api.endpoint import Endpoint

    ApiOf = Callable[[Request], Api]

NO_CONTENT = 204
_BY_NAME = inspect.Parameter.KEYWORD_ONLY


def routes(endpoints: Iterable[Endpoint[..., Any]], api_of: ApiOf) -> APIRouter:
    """A router with a route for each endpoint.

    Args:
        endpoints: of the table.
        api_of: whom a request asks.
    """
    router = APIRouter()
    for one in sorted(endpoints, key=_literal_first):
        router.add_api_route(
            one.path,
            _route(one, api_of),
            methods=[one.method],
            status_code=one.status,
            response_model=None,
            operation_id=one.name,
        )
    return router


def _literal_first(one: Endpoint[..., Any]) -> list[tuple[bool, str]]:
    """`/variables/name/x` before `/variables/{id}`: the first route that matches answers."""
    return [(part.startswith("{"), part) for part in one.path.split("/")]


def _route(one: Endpoint[..., Any], api_of: ApiOf) -> Callable[..., Response]:
    def run(request: Request, **arguments: Any) -> Response:
        if one.bodies is not None:
            arguments["body"] = one.read_body(arguments["body"])
        api = api_of(request)
        answer = one.function(api, **arguments)
        status = api.status or one.status
        if status == NO_CONTENT:
            return Response(status_code=status)
        return Response(one.answers.dump_json(answer), status, media_type="application/json")

    parameters = [inspect.Parameter("request", _BY_NAME, annotation=Request)]
    parameters += [_argument(one, parameter) for parameter in one.signature.parameters.values()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # FastAPI reads it
    run.__name__ = one.name
    return run


async def _raw_body(request: Request) -> bytes:
    return await request.body()


def _argument(one: Endpoint[..., Any], parameter: inspect.Parameter) -> inspect.Parameter:
    if parameter.name == "body":
        return inspect.Parameter("body", _BY_NAME, annotation=Annotated[bytes, Depends(_raw_body)])
    if parameter.name in one.spelled:
        query = Annotated[parameter.annotation, Query(alias=one.spelled[parameter.name])]
        return parameter.replace(kind=_BY_NAME, annotation=query)
    return parameter.replace(kind=_BY_NAME)

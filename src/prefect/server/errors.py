"""What went wrong, as clients expect to read it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from prefect._api.errors import Refused
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, StoreError
from prefect.server.arguments import WrongArguments

_log = logging.getLogger("prefect.server")
NOT_FOUND = "Not Found"


class Answer(NamedTuple):
    """What is sent back. `parts` follow the content, each made once the one before is sent; `cookies` are set."""

    status: int
    content: bytes
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"
    parts: Iterator[str] | None = None
    cookies: tuple[str, ...] = ()


Explain: TypeAlias = "Callable[[Any, bytes], Answer]"


def answer_to(error: Exception, body: bytes) -> Answer:
    """What answers an error.

    Args:
        error: what an endpoint has raised.
        body: of the request, which a client reads back where it is wrong.
    """
    for kind in type(error).__mro__:
        explain = _EXPLAIN.get(kind)
        if explain is not None:
            return explain(error, body)
    _log.error("A request failed", exc_info=error)
    return as_json(500, {"exception_message": "Internal Server Error"})


def as_json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose content is JSON."""
    return Answer(status, to_json(content, fallback=str), headers or {})


def detail(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that says in a line why there is no other."""
    return as_json(status, {"detail": text}, headers)


def _wrong_arguments(error: WrongArguments, body: bytes) -> Answer:
    if error.unreadable_path:
        return detail(404, NOT_FOUND)
    return _invalid(error.errors, body)


def _wrong_body(error: ValidationError, body: bytes) -> Answer:
    return _invalid([_said(one, body) for one in error.errors(include_url=False)], body)


def _said(error: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """An error of pydantic's, placed in the body; the text of a body that is no JSON is not repeated in it."""
    said = {**error, "loc": ("body", *error["loc"])}
    if not body and not error["loc"]:
        return {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
    if error["type"] == "json_invalid":
        said["input"] = {}
    return said


def _invalid(errors: list[Any], body: bytes) -> Answer:
    content = {
        "exception_message": "Invalid request received.",
        "exception_detail": errors,
        "request_body": _as_it_came(body),
    }
    try:
        return as_json(422, content)
    except (
        PydanticSerializationError,
        ValueError,
    ):  # what came cannot be said in JSON, such as half a character
        content["exception_detail"] = [{**error, "input": None, "ctx": None} for error in errors]
        return as_json(422, {**content, "request_body": None})


def _later(error: Refused) -> dict[str, str]:
    return {} if error.retry_after is None else {"Retry-After": str(round(error.retry_after, 3))}


def _as_it_came(body: bytes) -> Any:
    if not body:
        return None
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        return body.decode("utf-8", "replace")


def _too_great(error: BaseException | None) -> str:
    return f"Expected numbers of at most 64 bits and times from year 1 to 9999: {error}. Send smaller ones."


def _store_failed(error: StoreError, _: bytes) -> Answer:
    """A row that another one forbids is a conflict; anything else may go better a little later."""
    cause = error.__cause__
    kinds = {kind.__name__ for kind in type(cause).__mro__}  # of whichever driver
    if "IntegrityError" in kinds:
        return detail(409, f"Expected data that fits what is on record: {cause}")
    if "DataError" in kinds:
        return detail(422, _too_great(cause))
    return as_json(503, {"exception_message": str(error)}, {"Retry-After": "1"})


_EXPLAIN: dict[type[BaseException], Explain] = {
    WrongArguments: _wrong_arguments,
    ValidationError: _wrong_body,
    ObjectNotFound: lambda exc, _: detail(404, str(exc)),
    ObjectAlreadyExists: lambda exc, _: detail(409, str(exc)),
    Refused: lambda exc, _: detail(exc.status, exc.detail, _later(exc)),
    StoreError: _store_failed,
    OverflowError: lambda exc, _: detail(422, _too_great(exc)),
}

"""What went wrong, as clients expect to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from prefect._api.errors import Refused
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def handlers() -> dict[type[Exception], Callable[[Request, Any], JSONResponse]]:
    """For each kind of error, what answers it."""
    return {
        RequestValidationError: _invalid_arguments,
        ValidationError: _invalid_body,
        ObjectNotFound: lambda _, exc: JSONResponse({"detail": str(exc)}, 404),
        ObjectAlreadyExists: lambda _, exc: JSONResponse({"detail": str(exc)}, 409),
        Refused: lambda _, exc: JSONResponse({"detail": exc.detail}, exc.status),
        StoreError: lambda _, exc: JSONResponse({"exception_message": str(exc)}, 503, {"Retry-After": "1"}),
    }


def _invalid_arguments(_: Request, exc: RequestValidationError) -> JSONResponse:
    return _invalid(exc.errors(), None)


def _invalid_body(_: Request, exc: ValidationError) -> JSONResponse:
    errors = exc.errors(include_url=False)
    whole = errors[0]["input"] if not errors[0]["loc"] else None
    return _invalid([{**error, "loc": ("body", *error["loc"])} for error in errors], whole)


def _invalid(errors: Sequence[Any], body: Any) -> JSONResponse:
    content = {
        "exception_message": "Invalid request received.",
        "exception_detail": jsonable_encoder(errors, custom_encoder={Exception: str}),
        "request_body": jsonable_encoder(body),
    }
    return JSONResponse(content, 422)

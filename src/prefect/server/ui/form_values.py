"""What was typed into a form, as the requests of the API take it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from prefect._api.errors import Refused

if TYPE_CHECKING:
    from prefect.server.ui.page import Asked

M = TypeVar("M", bound=BaseModel)


def text_of(asked: Asked, name: str) -> str:
    """What was typed into a field, without space around it; empty where there is no such field."""
    return str(asked.form.get(name, "")).strip()


def tags_of(asked: Asked, name: str = "tags") -> list[str]:
    """Words with commas between them, each once."""
    return list(dict.fromkeys(one.strip() for one in text_of(asked, name).split(",") if one.strip()))


def json_of(asked: Asked, name: str) -> Any:
    """The value that was typed as JSON. Raises Refused."""
    try:
        return json.loads(text_of(asked, name))
    except ValueError as exc:
        raise Refused(
            f'{name.capitalize()}: expected JSON, such as "text", 5 or ["a", "b"]; {exc}.'
        ) from None


def request_of(model: type[M], **values: Any) -> M:
    """A request with these values. Raises Refused, which names the field that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = " ".join(str(part) for part in first["loc"] if not str(part).startswith("function"))
        said = first["msg"].removeprefix("Value error, ")
        raise Refused(f"{field.replace('_', ' ').capitalize()}: {said}" if field else said) from None

"""How much a list gives at once."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, TypedDict

from prefect._api.errors import Refused
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.model.requests.base import NumberedPage, Page


class Slice(TypedDict):
    """Which part of a list."""

    limit: int
    offset: int


def page_of(asked: Page) -> Slice:
    """The part that is asked for. Raises Refused where it is more than the settings allow."""
    return Slice(limit=limit_of(asked.limit), offset=asked.offset)


def limit_of(asked: int | None) -> int:
    """The limit that is asked for, or else the greatest. Raises Refused where it is greater than that."""
    greatest = get_current_settings().server.api.default_limit
    if asked is not None and asked > greatest:
        raise Refused(f"Invalid limit: must be less than or equal to {greatest}.")
    return greatest if asked is None else asked


def paginated(asked: NumberedPage, count: int, find: Callable[[Slice], list[Any]]) -> dict[str, Any]:
    """A page of a list, as the fields of an answer.

    Args:
        asked: which page, counted from 1.
        count: of the whole list.
        find: gives a part of it.
    """
    limit = limit_of(asked.limit)
    offset = (asked.page - 1) * limit
    results = find(Slice(limit=limit, offset=offset)) if limit and offset < count else []
    pages = ceil(count / limit) if limit else 0
    return {"results": results, "count": count, "limit": limit, "pages": pages, "page": asked.page}

"""What the commands on stored objects share: a client, JSON, and what is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.cli._output import fail
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from pydantic import BaseModel

    from prefect.client.orchestration import SyncPrefectClient

MOST_AT_ONCE = 200


@contextmanager
def asking(missing: str = "", taken: str = "") -> Generator[SyncPrefectClient, None, None]:
    """A client; a command that finds nothing, or what is there already, ends with exit code 1.

    Args:
        missing: what is said then: expected X, got Y, do Z.
        taken: the same for what is there already.
    """
    with get_client(sync_client=True) as client:
        try:
            yield client
        except ObjectNotFound as exc:
            fail(missing or str(exc))
        except ObjectAlreadyExists as exc:
            fail(taken or str(exc))


def as_json(objects: Iterable[BaseModel]) -> list[dict[str, Any]]:
    """Objects as they are printed."""
    return [one.model_dump(mode="json") for one in objects]


def pages(read: Callable[[int, int], list[Any]], limit: int) -> list[Any]:
    """So many objects, however many a server gives at once. `read` takes how many, and behind which."""
    found: list[Any] = []
    while len(found) < limit:
        wanted = min(MOST_AT_ONCE, limit - len(found))
        page = read(wanted, len(found))
        found += page
        if len(page) < wanted:
            break
    return found


def shortened(value: Any, width: int = 60) -> str:
    """A value in a cell of a table."""
    text = " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"

"""The body of a request, and how much of it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.errors import Refused

if TYPE_CHECKING:
    from starlette.requests import Request


async def read_body(request: Request, greatest: int) -> bytes:
    """All bytes of a request's body, whatever type it says that they are.

    Raises:
        Refused: 413, there are more than `greatest`; 400, the client has gone before it sent them.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > greatest:
        raise _too_large(greatest)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Refused("The request ended before its body did.", status=400)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > greatest:
            raise _too_large(greatest)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(greatest: int) -> Refused:
    return Refused(
        f"Expected a request of at most {greatest:,} bytes. Send less at once, or raise the server's "
        "PREFECT_SERVER_API_MAX_REQUEST_SIZE.",
        status=413,
    )

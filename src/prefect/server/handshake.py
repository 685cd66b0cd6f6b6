"""How a websocket begins: sub-protocol `prefect`, `{"type": "auth", "token": …}`, `{"type": "auth_success"}`.

A client that does not offer the sub-protocol talks at once, as older ones do; where users must log in, it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from prefect.server.auth import actor_of_token, is_open

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from prefect._backend.local import LocalBackend

SUBPROTOCOL = "prefect"
POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002


class ProtocolViolation(Exception):
    """What a client sent is not what the protocol expects now. Args: what was expected."""


async def opened(websocket: WebSocket, backend: LocalBackend, role: str) -> bool:
    """Accept the connection and shake hands.

    Returns:
        False where it was refused (who asks is not known, or may not do what asks for `role`), and is closed.

    Raises:
        WebSocketDisconnect: the client has gone.
    """
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        if await run_in_threadpool(is_open, backend):
            await websocket.accept()
            return True
        await websocket.close(POLICY_VIOLATION, "Expected the sub-protocol 'prefect', and a token.")
        return False
    await websocket.accept(subprotocol=SUBPROTOCOL)
    try:
        asked = await received(websocket)
    except ProtocolViolation:
        asked = {}
    if asked.get("type") != "auth":
        await websocket.close(POLICY_VIOLATION, "Expected 'auth' message")
        return False
    if not await run_in_threadpool(
        _may, backend, asked.get("token"), role
    ):  # a password takes a while to check
        await websocket.close(
            POLICY_VIOLATION, f"Expected the token of a user whose role is {role!r} or above."
        )
        return False
    await websocket.send_text('{"type":"auth_success"}')
    return True


def _may(backend: LocalBackend, token: object, role: str) -> bool:
    if is_open(backend):
        return True
    actor = actor_of_token(backend, token) if isinstance(token, str) else None
    return actor is not None and actor.may(role)


async def received(websocket: WebSocket) -> dict[str, Any]:
    """The next message, a JSON object. Raises ProtocolViolation, WebSocketDisconnect."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000), message.get("reason"))
    content = message.get("text")
    try:
        found = from_json(message["bytes"] if content is None else content, allow_inf_nan=False)
    except ValueError:
        raise ProtocolViolation("Expected JSON") from None
    if not isinstance(found, dict):
        raise ProtocolViolation("Expected a JSON object")
    return cast("dict[str, Any]", found)

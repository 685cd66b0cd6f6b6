"""How a websocket begins: sub-protocol `prefect`, `{"type": "auth", "token": …}`, `{"type": "auth_success"}`.

A client that does not offer the sub-protocol talks at once, as older ones do; where users must log in, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

SUBPROTOCOL = "prefect"
POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002

# Whether somebody with this token (None: without any) may do what asks for a role.
Admit = Callable[[str | None, str], bool]


def everybody(token: str | None, role: str) -> bool:  # noqa: ARG001 - an `Admit`
    """Where nobody has to log in."""
    return True


class ProtocolViolation(Exception):
    """What a client sent is not what the protocol expects now. Args: what was expected."""


async def opened(websocket: WebSocket, admit: Admit, role: str) -> bool:
    """Accept the connection and shake hands; False where it was refused, and is closed. Raises WebSocketDisconnect."""
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        if not await run_in_threadpool(admit, None, role):
            await websocket.close(POLICY_VIOLATION, "Expected the sub-protocol 'prefect', and a token.")
            return False
        await websocket.accept()
        return True
    await websocket.accept(subprotocol=SUBPROTOCOL)
    try:
        asked = await received(websocket)
        if asked.get("type") != "auth":
            raise ProtocolViolation("Expected 'auth' message")
    except ProtocolViolation:
        await websocket.close(POLICY_VIOLATION, "Expected 'auth' message")
        return False
    token = asked.get("token")
    shown = token if isinstance(token, str) else None
    if not await run_in_threadpool(admit, shown, role):  # a password takes a while to check
        await websocket.close(POLICY_VIOLATION, "Expected a valid token.")
        return False
    await websocket.send_text('{"type":"auth_success"}')
    return True


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
    return found

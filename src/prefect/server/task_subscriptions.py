"""Task workers fetch background runs over a websocket: one at a time, each acknowledged before the next."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from prefect._backend import task_queue, task_workers
from prefect.model.runs import TaskRun
from prefect.server.handshake import ProtocolViolation, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.websockets import WebSocket

    from prefect._backend.local import LocalBackend
    from prefect.model.records import TaskRunRecord

VIOLATION = 4001
LOOK_SECONDS = 0.05  # a look takes 0.1 ms
MOST_KEYS = 1000
_LONGEST_NAME = 200


class Quit(Exception):
    """The worker has said goodbye."""


async def scheduled_task_runs(websocket: WebSocket, backend: Callable[[], LocalBackend]) -> None:
    """Give the worker the runs of the tasks that it names, until it quits or goes."""
    try:
        await _serve(websocket, backend, *await _subscribed(websocket))
    except ProtocolViolation as exc:
        with suppress(RuntimeError, WebSocketDisconnect):
            await websocket.close(VIOLATION, f"Protocol violation: {exc}")
    except Quit:
        await websocket.close()


async def _serve(
    websocket: WebSocket, backend: Callable[[], LocalBackend], keys: list[str], name: str
) -> None:
    """Serve a worker that is on record as long as it is connected."""
    connection = await run_in_threadpool(task_workers.connected, backend().store, name, keys)
    try:
        await _Subscription(websocket, backend, keys, connection).serve()
    finally:
        await asyncio.shield(asyncio.to_thread(task_workers.disconnected, backend().store, connection))


async def _subscribed(websocket: WebSocket) -> tuple[list[str], str]:
    """The keys of the worker's tasks, and what it calls itself."""
    message = await received(websocket)
    if message.get("type") != "subscribe":
        raise ProtocolViolation("expected 'subscribe' message")
    given = message.get("keys")
    keys = cast("list[Any]", given) if isinstance(given, list) else []
    if not 0 < len(keys) <= MOST_KEYS or not all(isinstance(key, str) for key in keys):
        raise ProtocolViolation("expected 'keys' in subscribe message")
    return keys, str(message.get("client_id") or "")[:_LONGEST_NAME]


class _Subscription:
    """One worker. What it says is read all the time, so that its leaving is noticed while it waits for work."""

    def __init__(
        self, websocket: WebSocket, backend: Callable[[], LocalBackend], keys: list[str], connection: bytes
    ) -> None:
        self._websocket = websocket
        self._backend = backend
        self._keys = keys
        self._connection = connection
        self._touched = monotonic()
        self._answer: asyncio.Task[dict[str, Any]] | None = None

    async def serve(self) -> None:
        """Raises Quit, ProtocolViolation, WebSocketDisconnect: there is no other end."""
        try:
            while True:
                run = await self._next()
                acknowledged = False
                try:
                    await self._websocket.send_text(TaskRun.from_record(run).model_dump_json())
                    await self._acknowledged()
                    await run_in_threadpool(task_queue.acknowledge, self._backend().store, run.id)
                    acknowledged = True
                finally:
                    if not acknowledged:
                        await asyncio.shield(
                            asyncio.to_thread(task_queue.give_back, self._backend().store, run.id)
                        )
        finally:
            if self._answer is not None:
                self._answer.cancel()
                await asyncio.gather(self._answer, return_exceptions=True)

    async def _next(self) -> Any:
        while True:
            run = await run_in_threadpool(self._taken)
            await self._touch()
            if run is not None:
                return run
            answer = self._listening()
            await asyncio.wait({answer}, timeout=LOOK_SECONDS)
            if answer.done():
                self._read(answer)
                raise ProtocolViolation("expected no message before a run was sent")

    def _taken(self) -> TaskRunRecord | None:
        store = self._backend().store
        if not task_queue.is_any_waiting(store, self._keys):
            return None
        return task_queue.take(store, self._keys)

    async def _touch(self) -> None:
        if monotonic() - self._touched > task_workers.TOUCH_SECONDS:
            self._touched = monotonic()
            await run_in_threadpool(task_workers.touch, self._backend().store, self._connection)

    async def _acknowledged(self) -> None:
        answer = self._listening()
        await asyncio.wait({answer})
        self._read(answer)

    def _listening(self) -> asyncio.Task[dict[str, Any]]:
        if self._answer is None:
            self._answer = asyncio.create_task(received(self._websocket))
        return self._answer

    def _read(self, answer: asyncio.Task[dict[str, Any]]) -> None:
        self._answer = None
        message = answer.result()
        if message.get("type") == "quit":
            raise Quit
        if message.get("type") != "ack":
            raise ProtocolViolation("expected 'ack' or 'quit' message")

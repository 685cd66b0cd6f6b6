"""Using a client without opening one: the steps of logic that is written once for both kinds of callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from prefect._base.current import wants_awaitable
from prefect._base.drive import drive, drive_async, run_awaitable
from prefect.client.orchestration import get_client

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    AnyClient = PrefectClient | SyncPrefectClient | None

T = TypeVar("T")


class Using:
    """An effect: a method of a client is asked.

    Args:
        client: the one to use; None for one of the API that the settings name.
        method: its name.
        arguments: by name.
    """

    __slots__ = ("_arguments", "_client", "_method")

    def __init__(self, client: AnyClient, method: str, **arguments: Any) -> None:
        self._client = client
        self._method = method
        self._arguments = arguments

    def perform(self) -> Any:
        """Ask in this thread; a client that has to be awaited is."""
        if self._client is None:
            with get_client(sync_client=True) as client:
                return self._ask(client)
        answer = self._ask(self._client)
        return run_awaitable(answer) if hasattr(answer, "__await__") else answer

    async def perform_async(self) -> Any:
        """Ask from this event loop."""
        if self._client is None:
            async with get_client() as client:
                return await self._ask(client)
        answer = self._ask(self._client)
        return await answer if hasattr(answer, "__await__") else answer

    def _ask(self, client: Any) -> Any:
        return getattr(client, self._method)(**self._arguments)


def either(steps: Generator[Any, Any, T]) -> T:
    """What the steps come to; where an awaitable is wanted, an awaitable of that."""
    return cast("T", drive_async(steps)) if wants_awaitable() else drive(steps)

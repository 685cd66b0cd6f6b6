"""A method of both clients, written once: a generator that asks, driven here or in an event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from prefect._base.drive import drive, drive_async

if TYPE_CHECKING:
    from prefect._api.endpoint import Endpoint
    from prefect.client._transport import Transport

P = ParamSpec("P")
T = TypeVar("T")

Steps = Generator[Any, Any, T]  # what a method is written as: it yields what it asks, and returns its answer


class Caller:
    """A client: it asks through its transport."""

    _transport: Transport

    def _ask(self, asked: Endpoint[..., Any], /, **arguments: Any) -> Ask:
        return Ask(self._transport, asked, arguments)


class SyncCaller(Caller):
    """Its methods return answers."""


class AsyncCaller(Caller):
    """Its methods return awaitables."""


class Ask:
    """One request, as an effect. Arguments that are None are left to the endpoint's default."""

    __slots__ = ("_arguments", "_asked", "_transport")

    def __init__(self, transport: Transport, asked: Endpoint[..., Any], arguments: dict[str, Any]) -> None:
        self._transport = transport
        self._asked = asked
        self._arguments = {name: value for name, value in arguments.items() if value is not None}

    def perform(self) -> Any:
        """Ask in this thread."""
        return self._transport.send(self._asked, self._arguments)

    async def perform_async(self) -> Any:
        """Ask from this event loop."""
        return await self._transport.send_async(self._asked, self._arguments)


class method(Generic[P, T]):  # noqa: N801 - a decorator
    """Makes a generator function a method: of a `SyncCaller` it answers, of an `AsyncCaller` it is awaited."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._steps = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, client: SyncCaller, owner: type[Any]) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: None, owner: type[Any]) -> Callable[..., Any]: ...
    def __get__(self, client: Caller | None, owner: type[Any]) -> Callable[..., Any]:
        """The method, bound to a client where there is one."""
        bound = self._async() if issubclass(owner, AsyncCaller) else self._sync()
        return bound if client is None else bound.__get__(client, owner)

    def _sync(self) -> Any:
        steps = self._steps

        @wraps(steps)
        def ask(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return drive(steps(client, *args, **kwargs))

        return ask

    def _async(self) -> Any:
        steps = self._steps

        @wraps(steps)
        async def ask(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return await drive_async(steps(client, *args, **kwargs))

        return ask

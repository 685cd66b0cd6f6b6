"""Iterating over what is sent to a flow run, synchronously or asynchronously."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._base.drive import drive, drive_async
from prefect.client._news import News
from prefect.input.actions import ensure_flow_run_id, filtering

if TYPE_CHECKING:
    from collections.abc import Generator
    from uuid import UUID

    from typing_extensions import Self

    from prefect.model.objects import FlowRunInput

_LONGEST = 3600.0  # seconds between two looks of who waits for ever
R = TypeVar("R")
T = TypeVar("T")


class GetInputHandler(Generic[R]):
    """Gives each input of a kind once, in the order in which they were sent; waits for the next.

    Args:
        run_input_cls: the model of the inputs.
        key_prefix: how their keys begin.
        timeout: seconds to wait for the next one; None: for ever.
        poll_interval: seconds between two looks, where there is only a server of another make to look at.
        raise_timeout_error: whether the iteration raises TimeoutError instead of ending.
        exclude_keys: what is left out; what has been given is added.
        flow_run_id: of which run; by default the one that this code is part of.

    Raises:
        RuntimeError: no run is given, and this is part of none.
    """

    def __init__(  # noqa: PLR0917 - Prefect's signature
        self,
        run_input_cls: type[Any],
        key_prefix: str,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: set[str] | None = None,
        flow_run_id: UUID | None = None,
    ) -> None:
        self.run_input_cls = run_input_cls
        self.key_prefix = key_prefix
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.exclude_keys: set[str] = set(exclude_keys or ())
        self.raise_timeout_error = raise_timeout_error
        self.flow_run_id = ensure_flow_run_id(flow_run_id)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        try:
            return self.next()
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        try:
            return await self.anext()
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopAsyncIteration from None

    async def filter_for_inputs(self) -> list[FlowRunInput]:
        """The next one, if it is there already."""
        return await drive_async(self._look())

    def filter_for_inputs_sync(self) -> list[FlowRunInput]:
        """The next one, if it is there already."""
        return drive(self._look())

    def to_instance(self, flow_run_input: FlowRunInput) -> R:
        """What was sent. Raises ValidationError where it is something else."""
        return self.run_input_cls.load_from_flow_run_input(flow_run_input)

    def next(self) -> R:
        """The next one. Raises TimeoutError where none comes in time."""
        return drive(self._next())

    async def anext(self) -> R:
        """The next one. Raises TimeoutError where none comes in time."""
        return await drive_async(self._next())

    def _look(self) -> Generator[Any, Any, list[FlowRunInput]]:
        found: list[FlowRunInput] = yield from filtering(
            self.key_prefix, 1, self.exclude_keys, self.flow_run_id
        )
        self.exclude_keys.update(one.key for one in found)
        return found

    def _next(self) -> Generator[Any, Any, R]:
        news = News(backend(), ensure_flow_run_id(self.flow_run_id), self.poll_interval)
        deadline = None if self.timeout is None else now_us() + self.timeout * 1_000_000
        while True:
            found = yield from self._look()
            if found:
                return self.to_instance(found[0])
            left = _LONGEST if deadline is None else (deadline - now_us()) / 1_000_000
            if left <= 0:
                raise TimeoutError(f"No input came within {self.timeout:g} seconds.")
            yield from news.wait(left)


class GetAutomaticInputHandler(GetInputHandler[T]):
    """The same for a plain type: it gives values, or with `with_metadata` what holds them."""

    def __init__(  # noqa: PLR0917 - Prefect's signature
        self,
        run_input_cls: type[Any],
        key_prefix: str,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: set[str] | None = None,
        flow_run_id: UUID | None = None,
        with_metadata: bool = False,
    ) -> None:
        super().__init__(
            run_input_cls, key_prefix, timeout, poll_interval, raise_timeout_error, exclude_keys, flow_run_id
        )
        self.with_metadata = with_metadata

    def to_instance(self, flow_run_input: FlowRunInput) -> T:
        """What was sent. Raises ValidationError where it is something else."""
        found: Any = super().to_instance(flow_run_input)
        return found if self.with_metadata else found.value

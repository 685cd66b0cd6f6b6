"""The base of every task runner."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import Self

from prefect._engine.mapping import mapped_parameters
from prefect.futures import PrefectFuture, PrefectFutureList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.client.schemas.objects import RunInput
    from prefect.tasks import Task

F = TypeVar("F", bound=PrefectFuture[Any])


class TaskRunner(abc.ABC, Generic[F]):
    """The base of every task runner; a third party overrides `duplicate` and `submit`.

    A flow run enters a duplicate of its flow's runner, and leaves it when the flow's function has returned: leaving
    waits for what was submitted.
    """

    def __init__(self) -> None:
        self._started = False

    @property
    def name(self) -> str:
        """The runner's name: its class, without `TaskRunner`."""
        return type(self).__name__.lower().replace("taskrunner", "")

    def duplicate(self) -> Self:
        """A runner with the same options, not started."""
        raise NotImplementedError(f"{type(self).__name__} must define duplicate()")

    @abc.abstractmethod
    def submit(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> F:
        """Start a run of the task and return its future at once."""

    def map(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
    ) -> PrefectFutureList[Any]:
        """Start a run for each item of the iterable parameters (behaviours 34 and 35).

        Raises:
            MappingLengthMismatch: the iterables differ in length.
            MappingMissingIterable: there is none.
        """
        self._require_started()
        return PrefectFutureList(
            self.submit(task, one, wait_for=wait_for) for one in mapped_parameters(task, parameters)
        )

    def _require_started(self) -> None:
        if not self._started:
            raise RuntimeError("Task runner is not started")

    def __enter__(self) -> Self:
        if self._started:
            raise RuntimeError("This task runner is already started")
        self._started = True
        return self

    def __exit__(self, *_: object) -> None:
        self._started = False

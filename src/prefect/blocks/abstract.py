"""Bases of blocks that start jobs elsewhere, for packages written for Prefect 3."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from prefect.blocks.core import Block

T = TypeVar("T")


class CredentialsBlock(Block, ABC):
    """Lets in somewhere, and gives the client there."""

    @property
    def logger(self) -> logging.Logger:
        """Its logger."""
        return logging.getLogger(f"prefect.{type(self).__name__}")

    @abstractmethod
    def get_client(self, *args: Any, **kwargs: Any) -> Any:
        """The client."""


class JobRun(ABC, Generic[T]):
    """A job that was started."""

    @property
    def logger(self) -> logging.Logger:
        """Its logger."""
        return logging.getLogger(f"prefect.{type(self).__name__}")

    @abstractmethod
    async def wait_for_completion(self) -> Any:
        """Wait for its end."""

    @abstractmethod
    async def fetch_result(self) -> T:
        """What it came to."""


class JobBlock(Block, ABC, Generic[T]):
    """Starts jobs of a kind."""

    @property
    def logger(self) -> logging.Logger:
        """Its logger."""
        return logging.getLogger(f"prefect.{type(self).__name__}")

    @abstractmethod
    async def trigger(self) -> JobRun[T]:
        """Start one."""

"""Which leases on slots the code in a block has taken and not given back."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.client.orchestration import get_client
from prefect.context import ContextModel
from prefect.logging.loggers import get_logger

if TYPE_CHECKING:
    from uuid import UUID


class ConcurrencyContext(ContextModel):
    """A block at whose end every lease is given back that was taken in it.

    Args:
        cleanup_lease_ids: leases that are to be given back besides.
    """

    __slots__ = ("cleanup_lease_ids",)
    _var: ClassVar[ContextVar[Any]] = ContextVar("prefect_concurrency", default=None)

    def __init__(self, *, cleanup_lease_ids: list[UUID] | None = None) -> None:
        self.cleanup_lease_ids: list[UUID] = cleanup_lease_ids or []

    def __exit__(self, *exc_info: object) -> None:
        while self.cleanup_lease_ids:
            lease_id = self.cleanup_lease_ids.pop()
            try:
                with get_client(sync_client=True) as client:
                    client.release_concurrency_slots_with_lease(lease_id)
            except Exception as exc:
                get_logger("concurrency").warning("The lease %s could not be given back: %s", lease_id, exc)
        super().__exit__(*exc_info)

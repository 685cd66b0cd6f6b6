"""Old runs are forgotten, and with them the audit log of that time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._backend.retention import Policy, prune_slice
from prefect._storage import audit

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECONDS: Final = 3600.0
ENTRIES: Final = 5000
_DAY_US: Final = 86_400_000_000


def run_once(backend: LocalBackend, now_us: int, *, policy: Policy) -> int:
    """Delete a slice of what the policy does not keep; how many rows that were. 0: there is nothing left."""
    deleted = sum(prune_slice(backend.store, policy))
    if policy.days:
        with backend.store.write() as cx:
            deleted += audit.delete_before(cx, now_us - policy.days * _DAY_US, ENTRIES)
    return deleted

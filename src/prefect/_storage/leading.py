"""Which of several processes does what must be done by one: a lease in `meta`, for stores without anything better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import meta

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Store

LEASE_US: Final = 30_000_000


class Leases:
    """The leases of one process. A lease that is not asked for within half a minute is anybody's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._me = new_id().hex()
        self._until: dict[str, int] = {}

    def held(self, name: str) -> bool:
        """Whether this process leads. Costs nothing while its lease is young, and a look while another one leads."""
        now = now_us()
        if now < self._until.get(name, 0) - LEASE_US // 2:
            return True
        if self._is_free(self._store, name, now):
            with self._store.write() as cx:
                if self._is_free(cx, name, now):
                    meta.write(cx, _key(name), f"{self._me} {now + LEASE_US}")
                    self._until[name] = now + LEASE_US
                    return True
        self._until.pop(name, None)
        return False

    def release(self) -> None:
        """Let others lead at once."""
        now = now_us()
        held = [name for name, until in self._until.items() if now < until]
        self._until.clear()
        if held:
            with self._store.write() as cx:
                for name in held:
                    if self._is_free(cx, name, now):
                        meta.delete(cx, _key(name))

    def _is_free(self, source: Queries, name: str, now: int) -> bool:
        leader, _, until = (meta.read(source, _key(name)) or " 0").partition(" ")
        return leader == self._me or int(until) <= now


def _key(name: str) -> str:
    return f"leader.{name}"

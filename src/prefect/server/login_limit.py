"""How often somebody may guess a password."""

from __future__ import annotations

import threading
from typing import Final

from prefect._base.clock import now_us
from prefect.exceptions import PrefectException

WINDOW_US: Final = 60_000_000
PER_NAME: Final = 10  # failures within the window, of one address for one name
PER_ADDRESS: Final = 100  # of one address for all names
_MOST = 10_000


class TooManyFailures(PrefectException):
    """Too many wrong passwords lately. `seconds`: how long until the next may be tried."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed log-ins. Try again in {seconds} s.")
        self.seconds = seconds


class LoginLimit:
    """Counts failures in memory, in windows that begin with the first of them."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str | None], tuple[int, int]] = {}
        self._lock = threading.Lock()

    def check(self, address: str, name: str) -> None:
        """Raises TooManyFailures where no more may be tried for now."""
        now = now_us()
        for key, most in (((address, name), PER_NAME), ((address, None), PER_ADDRESS)):
            since, count = self._failures.get(key, (now, 0))
            left = since + WINDOW_US - now
            if count >= most and 0 < left <= WINDOW_US:
                raise TooManyFailures(left // 1_000_000 + 1)

    def failed(self, address: str, name: str) -> None:
        """Count a failure."""
        now = now_us()
        with self._lock:
            if len(self._failures) >= _MOST:
                self._forget_old(now)
            for key in ((address, name), (address, None)):
                since, count = self._failures.get(key, (now, 0))
                fresh = now - since < WINDOW_US
                self._failures[key] = (since, count + 1) if fresh else (now, 1)

    def _forget_old(self, now: int) -> None:
        kept = {key: one for key, one in self._failures.items() if now - one[0] < WINDOW_US}
        # a flood of names: what counts against the address stays, so that it does not buy more guesses
        self._failures = kept if len(kept) < _MOST else {k: v for k, v in kept.items() if k[1] is None}

"""What an error of Postgres means: to the code (may it be tried again?) and to a person."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prefect._storage.postgres_driver import psycopg
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 120.0  # as long as a locked SQLite file is waited for
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0

_OUTAGES = (
    "57P",  # ended by an administrator, a crash, a restart
    "08",  # the connection failed
    "53300",  # no connection left
    "25006",  # read-only: a standby that has not taken over yet
    "25P03",  # the transaction was idle for too long
)
_CONFLICTS = frozenset(("40001", "40P01"))  # not serializable, deadlock
_FOR_GOOD = (  # said when connecting, which carries no code; no patience mends it
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
    "could not translate host name",
    "failed to resolve host",
    "not permitted to log in",
    "permission denied",
    "certificate",
    "does not support SSL",
)


class Undecided(Exception):
    """The database does not know yet what it will be asked again."""


def is_outage(exc: BaseException) -> bool:
    """Whether the database is away, or the connection to it is: to try again on a new one may help."""
    if isinstance(exc, psycopg.Error) and exc.sqlstate is not None:
        return exc.sqlstate.startswith(_OUTAGES)
    if not isinstance(exc, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    return not any(sign in str(exc) for sign in _FOR_GOOD)


def is_conflict(exc: BaseException) -> bool:
    """Whether a transaction lost against another one, and may win when it is begun again."""
    return isinstance(exc, psycopg.Error) and exc.sqlstate in _CONFLICTS


class Patience:
    """How long a store that does not answer is waited for: so many seconds after it was last heard of.

    Args:
        name: of the store, for errors.
        seconds: after which an outage is an error; from then on each question is asked once.
    """

    def __init__(self, name: str, seconds: float = PATIENCE_SECONDS) -> None:
        self.name = name
        self.seconds = seconds
        self._away_since: float | None = None

    def keep_trying(self, attempt: Callable[[], T]) -> T:
        """What the attempt returns, tried again, ever more slowly, while the database is away.

        Raises:
            StoreError: it was away for too long.
            psycopg.Error: any other error of the attempt.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = attempt()
            except (psycopg.Error, Undecided) as exc:  # noqa: PERF203 - once, as a rule
                if not (is_outage(exc) or is_conflict(exc) or isinstance(exc, Undecided)):
                    raise
                now = time.monotonic()
                if self._away_since is None:
                    self._away_since = now
                if now + pause > self._away_since + self.seconds:
                    raise explain(exc, self.name) from exc
                time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - so that not all come back at once
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._away_since = None
                return answer


_MEANINGS: dict[str, str] = {
    "53100": "Its disk is full. Free some space; everything committed before is safe.",
    "53300": "It has no connection left. Raise its max_connections, or lower PREFECT_SQLALCHEMY_POOL_SIZE.",
    "57014": "The statement took longer than PREFECT_API_DATABASE_TIMEOUT. Raise that, or find what blocks it.",
    "25006": "It takes no writes. Name the primary, or add target_session_attrs=read-write to the URL.",
    "42501": "Grant the user CREATE on the database, or make it the owner of the schema pluperfect.",
    "42P01": "A table is missing: run `prefect database upgrade`.",
}
_SAYINGS: tuple[tuple[str, str], ...] = (
    ("authentication failed", "Mend the user or the password in PREFECT_API_DATABASE_CONNECTION_URL."),
    ("no password supplied", "Add the password to PREFECT_API_DATABASE_CONNECTION_URL."),
    ("does not exist", "Make it, or name another in PREFECT_API_DATABASE_CONNECTION_URL."),
    ("resolve host", "Mend the name of the host in PREFECT_API_DATABASE_CONNECTION_URL."),
    ("translate host", "Mend the name of the host in PREFECT_API_DATABASE_CONNECTION_URL."),
)


def explain(exc: BaseException, name: str) -> StoreError:
    """What an error of the database means to a person, and what to do."""
    text = " ".join(str(exc).split())
    state: Any = getattr(exc, "sqlstate", None)
    meaning = _MEANINGS.get(state or "")
    if meaning is None and state is None:
        meaning = next((meaning for sign, meaning in _SAYINGS if sign in text), None)
    if meaning is None and (is_outage(exc) or isinstance(exc, Undecided)):
        meaning = "Start it, or mend the way to it; everything committed before is safe."
        return StoreError(f"The store {name} does not answer ({text}). {meaning}")
    return StoreError(
        f"The store {name} failed ({text}). {meaning}" if meaning else f"The store {name} failed: {text}"
    )

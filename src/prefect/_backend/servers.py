"""Which kind of server answers at a URL: one of ours, or one of Prefect's; and the backend that speaks to it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._backend import spill
from prefect._backend.connecting import access_of
from prefect._backend.http import HttpBackend
from prefect._backend.line import Away, Line, Refusal

if TYPE_CHECKING:
    from prefect._backend.connecting import Access
    from prefect._backend.public import PublicBackend

HELLO = "/pluperfect/hello"
NOT_FOUND = 404
_known_to_be_ours: set[Access] = set()  # as its parent process has learnt


def open_backend(settings: Any) -> HttpBackend | PublicBackend:
    """The backend of the server that the settings name.

    Raises:
        Away: it does not answer; the message says what to do, and what waits to be delivered to it.
        Refusal: it does not let this process in.
    """
    access = access_of(settings, settings.api.url)
    folder = Path(settings.home) / "spill"
    poll_seconds, max_rows = settings.runs.cancel_poll_seconds, settings.journal.max_rows
    patience = settings.runs.server_patience_seconds
    if not _is_ours(access, patience, folder):
        from prefect._backend.public import PublicBackend  # only who reports to a Prefect server

        made = PublicBackend(
            access, poll_seconds=poll_seconds, max_rows=max_rows, patience=patience, folder=folder
        )
        made.heirs.tick()
        return made
    made = HttpBackend(access, poll_seconds=poll_seconds, max_rows=max_rows, patience=patience, folder=folder)
    made.line.knows()
    made.heirs.tick()
    return made


def ask_once(settings: Any) -> None:
    """Learn which kind of server the settings name, for forks of this process: each of them would ask otherwise.

    Where it does not answer they do ask.
    """
    access = access_of(settings, settings.api.url)
    with suppress(Away, Refusal):
        if _is_ours(access, 0.0, Path(settings.home) / "spill"):
            _known_to_be_ours.add(access)


def _is_ours(access: Access, patience: float, folder: Path) -> bool:
    if access in _known_to_be_ours:
        return True
    line = Line(access, patience=patience)
    try:
        line.ask(HELLO, method="GET")
    except Refusal as exc:
        if exc.status != NOT_FOUND:
            raise
        return False
    except Away as exc:
        waiting = spill.report(folder, access.url)
        if waiting is None:
            raise
        raise Away(f"{exc} {waiting}") from exc
    finally:
        line.close()
    return True

"""The kinds of workers that are installed: those that are imported, and those that packages announce."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prefect.workers.base import BaseWorker

_GROUPS: Final = ("prefect.collections", "prefect.workers")
_OURS: Final = "prefect.workers.process"
_known: dict[str, type[BaseWorker[Any, Any, Any]]] = {}
_log = logging.getLogger("prefect.workers")
_loaded = False


def register(worker: type[BaseWorker[Any, Any, Any]]) -> None:
    """A class of workers is there; the last one of a type counts."""
    _known[worker.type] = worker


def kinds() -> dict[str, type[BaseWorker[Any, Any, Any]]]:
    """Every class of workers by its type. Packages that cannot be imported are named in the log, once."""
    global _loaded
    if not _loaded:
        _loaded = True
        import_module(_OURS)
        _load_packages()
    return dict(_known)


def _load_packages() -> None:
    for group in _GROUPS:
        for entry in entry_points(group=group):
            try:
                entry.load()
            except Exception as exc:  # noqa: PERF203 - one package's mistake is not the others'
                _log.warning(
                    "The package of %r (entry point %r of %s) could not be imported (%s: %s): its workers are missing.",
                    entry.value,
                    entry.name,
                    group,
                    type(exc).__name__,
                    exc,
                )

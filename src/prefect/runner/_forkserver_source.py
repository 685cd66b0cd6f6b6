"""A source that a fork server has imported: what it consists of, and whether forks of it are safe."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from prefect._backend import resolve
from prefect._loading import load_source
from prefect._options import FlowOptions
from prefect.exceptions import PrefectException
from prefect.logging.configuration import ensure_logging_setup
from prefect.runner import _forkserver_child
from prefect.runner._files import signatures
from prefect.settings import get_current_settings

# what a run comes to import on its way to the flow's first line, and to its end
_EARLY = (
    "prefect._execute",
    "prefect._backend.journal",
    "prefect._engine.loggers",
    "prefect.runtime.flow_run",
    "prefect.states",
    "prefect.task_runners",
)
_EARLY_WITH_SERVER = ("httpx", "httpcore", "certifi", "encodings.idna", "prefect._backend.servers")


class Warmed:
    """The source, imported in this process.

    Args:
        source: the file or the dotted name of the module.
        folder: where its runs begin, and so this process.
    """

    def __init__(self, source: str, folder: str) -> None:
        self._folder = folder
        self._module: Any = None
        self._failure: str | None = None
        self._source = source
        began = time.time_ns()
        try:
            os.chdir(folder)
            sys.dont_write_bytecode = (
                True  # it is found by the second: what is edited within one would stay as it was
            )
            self._module = load_source(source)
        except (PrefectException, OSError) as error:
            self._failure = str(error)
        resolve.close()  # what the import has opened is no child's
        _prepare(self._module)
        self._files = signatures(began, self._folders(), self._own_file())

    def verdict(self) -> dict[str, Any]:
        """What the runner is told: that children can be forked, or why not."""
        reason = self._failure or _threads()
        if reason is not None:
            return {"cold": reason, "files": self._files}
        return {"ready": True, "files": self._files}

    def become(self, request: dict[str, Any]) -> None:
        """In a fork: execute the run of a request; does not return."""
        _forkserver_child.become(request, self._module)

    def _folders(self) -> list[str]:
        file = getattr(self._module, "__file__", None)
        return [self._folder, *([str(Path(file).parent)] if file else [])]

    def _own_file(self) -> list[str]:
        return [os.path.realpath(self._source)] if self._source.endswith(".py") else []


def _prepare(module: Any) -> None:
    """Do once what each child would do."""
    settings = get_current_settings()
    for name in _EARLY if settings.api.url is None else _EARLY + _EARLY_WITH_SERVER:
        importlib.import_module(name)
    if settings.api.url is not None:
        from prefect._backend.servers import ask_once  # only where there is a server; just imported

        ask_once(settings)
    ensure_logging_setup()
    names: dict[str, Any] = getattr(module, "__dict__", {})
    for found in list(names.values()):
        if _is_flow(found):
            with contextlib.suppress(Exception):  # what it refuses it will refuse in the child too
                _ = found.should_validate_parameters and found.parameter_validator


def _is_flow(found: object) -> bool:
    return getattr(type(found), "_options_type", None) is FlowOptions


def _threads() -> str | None:
    """Why this process must not fork: threads, which a fork would not have."""
    others = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    if others:
        return f"importing it starts threads ({', '.join(sorted(others))})"
    if _count_threads() > 1:
        _fork_for_trial()  # numpy's OpenBLAS, for one, ends its threads before a fork and starts them anew
    count = _count_threads() - 1
    return f"importing it starts {count} threads outside of Python" if count > 0 else None


def _count_threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names are enough
    except OSError:
        return 1


def _fork_for_trial() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what is found out here
        pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)

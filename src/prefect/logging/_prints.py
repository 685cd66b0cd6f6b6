"""`log_prints`: the print of a run becomes its log, and nobody else's does."""

from __future__ import annotations

import builtins
import io
import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging._run_loggers import logger_of_context

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from prefect.logging._run_loggers import PrefectLogAdapter

_print = builtins.print
_users = 0  # runs that are inside `patch_print` just now, in any thread
_lock = threading.Lock()


def _new_lock_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock_in_child)


@contextmanager
def patch_print() -> Generator[None, None, None]:
    """Within the block `print` is `print_as_log`.

    The builtin is one for all threads, hence replaced by the first run that needs it and put back by the
    last; which calls become logs is decided call by call, by the context they are made in.
    """
    global _print, _users
    with _lock:
        if _users == 0 and builtins.print is not print_as_log:
            _print = builtins.print
            builtins.print = print_as_log
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and builtins.print is print_as_log:
                builtins.print = _print


def print_as_log(*args: Any, **kwargs: Any) -> None:
    """`print`, except that inside a run with `log_prints` the text becomes an INFO log of that run.

    The record shows the file and function of the caller (behaviour 63). A print to a file of one's own stays
    a print.
    """
    context = TaskRunContext.get() or FlowRunContext.get()
    if context is None or not context.log_prints or not _is_console(kwargs.get("file")):
        _print(*args, **kwargs)
        return
    text = io.StringIO()
    kwargs["file"] = text
    _print(*args, **kwargs)
    adapter = logger_of_context(context)
    if adapter.isEnabledFor(logging.INFO):
        _log_as_of(sys._getframe(1), adapter, text.getvalue().rstrip())


def _is_console(file: Any) -> bool:
    return file is None or file in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)


def _log_as_of(frame: FrameType, adapter: PrefectLogAdapter, message: str) -> None:
    """Log as if the call stood in that frame; `stacklevel` counts otherwise on Python 3.10 than on 3.11."""
    logger, code = adapter.logger, frame.f_code
    logger.handle(
        logger.makeRecord(
            logger.name,
            logging.INFO,
            code.co_filename,
            frame.f_lineno,
            message,
            (),
            None,
            code.co_name,
            adapter.extra,
        )
    )

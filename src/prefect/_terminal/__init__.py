"""The live view of a run on a terminal; see `view.py`. Without a terminal none of it is imported."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from prefect._base.tty import is_terminal
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._terminal.view import View

_log = logging.getLogger("prefect.terminal")


def start(flow_run_id: bytes, flow_run_name: str, flow_name: str) -> View | None:
    """A live view of the flow run, or a share in the one that is on already.

    It shows nothing before the run has lasted a second. None without a terminal to show it on, in CI (unless
    the setting asks for it), or if PREFECT_TERMINAL_LIVE is off.
    """
    live = get_current_settings().terminal.live
    if live is None:
        live = not os.environ.get("CI")
    if not live or os.name != "posix" or _is_pool_worker() or not is_terminal(sys.stderr):
        return None
    from prefect._terminal.view import open_view  # only a terminal needs it

    try:
        return open_view(flow_run_id, flow_run_name, flow_name)
    except Exception:
        _log.debug("The live view cannot be shown; the run goes on without it", exc_info=True)
        return None


def _is_pool_worker() -> bool:
    """Whether this is a child of `multiprocessing`: its parent has the terminal."""
    process = sys.modules.get("multiprocessing.process")  # such a child has imported it
    return process is not None and process.parent_process() is not None

"""Tracebacks as a user wants to read them: their frames, without those of the engine in between."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from prefect.exceptions import PrefectException

if TYPE_CHECKING:
    from types import TracebackType

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # noqa: PTH118, PTH100, PTH120 - pathlib would cost the start-up 4 ms


def format_for_user(exc_info: ExcInfo) -> str:
    """The traceback without the frames of this package, ending without a newline.

    An exception whose every frame is ours keeps them, since they are all there is to find a fault of ours by;
    unless it is one that we raise on purpose (a `PrefectException`): its message says what to do.
    """
    kind, error, frames = exc_info
    if kind is None or error is None:
        return "NoneType: None"
    # Nothing is read from the user's files for the frames that are dropped.
    whole = traceback.TracebackException(kind, error, frames, lookup_lines=False, compact=True)
    _drop_engine_frames(whole, error)
    return "".join(whole.format()).rstrip("\n")


def _drop_engine_frames(told: traceback.TracebackException, error: BaseException) -> None:
    theirs = [frame for frame in told.stack if not frame.filename.startswith(_PACKAGE)]
    if theirs or isinstance(error, PrefectException):
        told.stack[:] = theirs
    for part, cause in ((told.__cause__, error.__cause__), (told.__context__, error.__context__)):
        if part is not None and cause is not None:
            _drop_engine_frames(part, cause)
    members = getattr(error, "exceptions", None)  # an exception group, from Python 3.11 on
    for part, member in zip(getattr(told, "exceptions", None) or (), members or (), strict=False):
        _drop_engine_frames(part, member)

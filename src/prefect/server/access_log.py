"""The access log: a line on standard output for each request, for people or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from prefect._base.clock import now_us, to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.server.watch import Seen

_log = logging.getLogger("prefect.server.access")


def access_log(form: str) -> Callable[[Seen], None]:
    """What writes the line of a request.

    Args:
        form: `text` or `json`.
    """
    if not _log.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        _log.addHandler(handler)
        _log.setLevel(logging.INFO)
        _log.propagate = False  # a line of this log has its own form, and no level
    line = _as_json if form == "json" else _as_text
    return lambda seen: _log.info("%s", line(seen))


def _as_json(seen: Seen) -> str:
    fields = seen._asdict()
    milliseconds = round(fields.pop("seconds") * 1000, 3)
    return json.dumps({"time": _now(), **fields, "milliseconds": milliseconds}, ensure_ascii=False)


def _as_text(seen: Seen) -> str:
    path = "".join(letter if letter.isprintable() else "?" for letter in seen.path)
    return (
        f"{_now()} {seen.address or '-'} {seen.actor or '-'} {seen.method} {path} {seen.status} "
        f"{seen.size} B {seen.seconds * 1000:.1f} ms"
    )


def _now() -> str:
    return to_datetime(now_us()).isoformat()

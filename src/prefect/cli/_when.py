"""Moments and stretches of time as people write them: `--start-at "2026-11-23 17:00"`, `--start-in 1h30m`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from prefect._base.clock import now
from prefect.cli._output import fail

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_UNITS: Final = (
    *(("s", word) for word in ("s", "sec", "secs", "second", "seconds")),
    *(("m", word) for word in ("m", "min", "mins", "minute", "minutes")),
    *(("h", word) for word in ("h", "hr", "hrs", "hour", "hours")),
    *(("d", word) for word in ("d", "day", "days")),
    *(("w", word) for word in ("w", "week", "weeks")),
)
_UNIT_OF: Final = {word: unit for unit, word in _UNITS}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?|an?)\s*([a-z]+)", re.IGNORECASE)


def start_of(start_in: str | None, start_at: str | None) -> datetime | None:
    """The time that `--start-in` or `--start-at` says; None where neither is given."""
    if start_in is not None and start_at is not None:
        fail("Expected one of --start-in and --start-at, got both.")
    if start_in is not None:
        return now() + stretch(start_in, "--start-in")
    return None if start_at is None else moment(start_at, "--start-at")


def stretch(text: str, option: str) -> timedelta:
    """`90s`, `5 minutes`, `1h30m`, `2 days and 3 hours`, or a number of seconds."""
    plain = text.strip().lower().removeprefix("in ").replace(",", " ").replace(" and ", " ")
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        return timedelta(seconds=float(plain))
    parts = _PART.findall(plain)
    rest = _PART.sub("", plain).strip()
    if not parts or rest or any(unit not in _UNIT_OF for _, unit in parts):
        fail(f"Expected {option} such as '5 minutes', '1h30m' or '2 days', got {text!r}.")
    return timedelta(
        seconds=sum(
            (1.0 if count.startswith("a") else float(count)) * _SECONDS[_UNIT_OF[unit]]
            for count, unit in parts
        )
    )


def moment(text: str, option: str) -> datetime:
    """A date, a time, or both; without a zone it is the local one; without a date it is the next such time."""
    from dateutil import parser  # only for who says when

    said = text.strip().lower().removeprefix("at ")
    local = now().astimezone()
    days = 0
    for word, ahead in (("tomorrow", 1), ("today", 0)):
        if word in said:
            said, days = said.replace(word, "").replace(" at ", " ").strip(), ahead
            local += timedelta(days=ahead)
            if not said:
                return local
    try:
        found = parser.parse(said, default=local.replace(hour=0, minute=0, second=0, microsecond=0))
    except (ValueError, OverflowError):
        fail(f"Expected {option} such as '2026-11-23 17:00', '5pm' or 'tomorrow 17:00', got {text!r}.")
    only_a_time = re.fullmatch(r"\d{1,2}(:\d{2}){0,2}\s*([ap]m)?", said) and text.strip().lower() == said
    if days == 0 and only_a_time and found <= local:
        found += timedelta(days=1)
    return found

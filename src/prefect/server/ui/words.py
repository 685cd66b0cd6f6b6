"""How times, durations and counts read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"))


def duration(length: timedelta | None) -> str:
    """`340 ms`, `2.41 s`, `3m 07s`, `2h 05m`, `1d 03h`; nothing for None."""
    if length is None:
        return ""
    milliseconds = round(length / timedelta(milliseconds=1))
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.2f} s"
    if milliseconds < 3_600_000:
        minutes, rest = divmod(milliseconds // 1000, 60)
        return f"{minutes}m {rest:02}s"
    if milliseconds < 86_400_000:
        hours, rest = divmod(milliseconds // 60_000, 60)
        return f"{hours}h {rest:02}m"
    days, rest = divmod(milliseconds // 3_600_000, 24)
    return f"{days}d {rest:02}h"


def exact(length: timedelta | None) -> str:
    """To the millisecond: `1:02:03.004`, `2.041 s`."""
    if length is None:
        return ""
    milliseconds = round(length / timedelta(milliseconds=1))
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.3f} s"
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{rest:03}"


def time(moment: datetime | None) -> str:
    """`2026-11-23 01:50:02`, in UTC; the browser turns it into its own zone's."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def machine_time(moment: datetime) -> str:
    """As the attribute `datetime` has it."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 run`, `1,204 runs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

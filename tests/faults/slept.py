"""The clock of a machine that was asleep: every process that reads it is ahead by what stands in one file."""

from __future__ import annotations

from pathlib import Path

from prefect._base.clock import SystemClock


class Slept(SystemClock):
    """See the module; what waits is not woken earlier, as after a real sleep."""

    def __init__(self, file: str | Path) -> None:
        self._file = Path(file)

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return super().now_us() + round(float(self._file.read_text()) * 1_000_000)

    def sleep_for(self, seconds: float) -> None:
        """Be asleep so long: it takes no time."""
        new = self._file.with_suffix(".new")
        new.write_text(str(float(self._file.read_text()) + seconds))
        new.replace(self._file)

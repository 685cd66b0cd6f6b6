"""Follow a flow run: its states and log lines as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prefect._backend.resolve import backend
from prefect._base.clock import clock, now_us, to_datetime
from prefect.cli._logs import LogPrinter
from prefect.cli._runs import TERMINAL, duration_text, flow_run_duration, styled_state, uuid_text

if TYPE_CHECKING:
    from prefect.model.records import FlowRunRecord

_POLL_SECONDS = 0.25
_REAP_SECONDS = 2.0


def watch_flow_run(run: FlowRunRecord, timeout: float | None, interval: float | None = None) -> int:
    """Print what happens until the run has ended; the exit code (0 if it completed).

    Args:
        run: which.
        timeout: seconds after which to stop watching; the run itself goes on.
        interval: seconds between two looks; a quarter of one if None.
    """
    watcher = _Watcher(run)
    end = now_us() + timeout * 1_000_000 if timeout is not None else None
    reap_at = now_us() + _REAP_SECONDS * 1_000_000
    while True:
        watcher.show_news()
        if watcher.run.state.type in TERMINAL:
            return watcher.conclude()
        now = now_us()
        if end is not None and now >= end:
            click.echo(
                f"Stopped watching after {timeout:g} s: '{run.name}' is {watcher.run.state.name}.", err=True
            )
            return 1
        if now >= reap_at:  # who dies meanwhile is noticed meanwhile
            backend().reap()
            reap_at = now + _REAP_SECONDS * 1_000_000
        clock().sleep(interval or _POLL_SECONDS)


class _Watcher:
    """What has been shown of a run so far."""

    def __init__(self, run: FlowRunRecord) -> None:
        self.run = run
        self._states = 0
        self._lines = 0
        self._printer = LogPrinter()

    def show_news(self) -> None:
        """Print what is new. The run is read first: it has ended only after all of its lines."""
        self.run = backend().read_flow_run(self.run.id)
        states = backend().read_flow_run_states(self.run.id)
        lines = backend().find_logs(flow_run_id=self.run.id, offset=self._lines)
        self._printer.print(lines)
        for state in states[self._states :]:
            time = to_datetime(state.timestamp).astimezone()
            message = f": {state.message}" if state.message else ""
            name = styled_state(state.type, state.name)
            click.echo(f"{time:%H:%M:%S}.{time.microsecond // 1000:03d} | {name}{message}")
        self._lines += len(lines)
        self._states = len(states)

    def conclude(self) -> int:
        """The run has ended."""
        spent = duration_text(flow_run_duration(self.run))
        click.echo(f"Flow run '{self.run.name}' is {self.run.state.name} after {spent or 'no time at all'}.")
        if self.run.state.type == "COMPLETED":
            return 0
        click.echo(f"See why:  prefect flow-run why {uuid_text(self.run.id)}")
        return 1

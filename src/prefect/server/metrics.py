"""What is measured, and how Prometheus reads it (its text format, version 0.0.4)."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING, Any

from prefect._base import procinfo
from prefect._storage.run_counts import flow_runs_by_state, unfinished_task_runs_by_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prefect._backend.local import LocalBackend
    from prefect._services.service import Service
    from prefect.model.records import TaskRunRecord
    from prefect.server.watch import Seen

    Samples = Iterable[tuple[Mapping[str, str], float]]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FRESH_SECONDS = 10.0  # runs are counted at most so often, however many ask


class Histogram:
    """How long things took: how many fell between two bounds, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Metrics:
    """What a server measures while it runs.

    Args:
        backend: gives the backend on the store that is served.
    """

    def __init__(self, backend: Callable[[], LocalBackend]) -> None:
        self._backend = backend
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._commits = Histogram()
        self._task_runs: Counter[str] = Counter()
        self._services: Sequence[Service] = ()
        self._counted: tuple[float, dict[str, int], dict[str, int]] | None = None

    def start(self, services: Sequence[Service] = ()) -> None:
        """Begin to look at the journal, and at these services."""
        self._services = services
        journal = self._backend().journal
        journal.add_observer(self._committed)
        journal.on_commit = self._commits.add

    def stop(self) -> None:
        """Look no more."""
        journal = self._backend().journal
        journal.remove_observer(self._committed)
        journal.on_commit = None

    def answered(self, seen: Seen) -> None:
        """A request was answered."""
        key = (seen.method, seen.route or "none", seen.status)
        found = self._requests.get(key)
        if found is None:
            found = self._requests[key] = Histogram()
        found.add(seen.seconds)

    def _committed(self, rows: Sequence[TaskRunRecord], _: Any) -> None:
        self._task_runs.update(row.state_type for row in rows)

    def page(self) -> str:
        """Everything, as Prometheus reads it. Raises StoreError."""
        flow_runs, task_runs = self._counts()
        journal = self._backend().journal
        written = [({"state": state}, count) for state, count in sorted(self._task_runs.items())]
        parts = [
            _family(
                "prefect_flow_runs", "gauge", "Flow runs on record, by state type.", _by_state(flow_runs)
            ),
            _family(
                "prefect_unfinished_task_runs",
                "gauge",
                "Task runs on record that have not ended, by state type.",
                _by_state(task_runs),
            ),
            _family(
                "prefect_task_run_states_total",
                "counter",
                "States of task runs that this process has written.",
                written,
            ),
            _family("prefect_journal_rows", "gauge", "Rows that wait to be written.", [({}, journal.depth)]),
            *_histogram("prefect_journal_commit_seconds", "How long commits took.", [({}, self._commits)]),
            _family(
                "prefect_service_actions_total",
                "counter",
                "What services have done: the lease-reaper's are leases that had run out.",
                [({"service": one.name}, one.done) for one in self._services],
            ),
            *_histogram("prefect_http_request_seconds", "How long requests took.", self._by_route()),
            *_process(),
        ]
        return "".join(parts)

    def _by_route(self) -> list[tuple[dict[str, str], Histogram]]:
        return [
            ({"method": method, "route": route, "status": str(status)}, histogram)
            for (method, route, status), histogram in sorted(self._requests.items())
        ]

    def _counts(self) -> tuple[dict[str, int], dict[str, int]]:
        now, counted = monotonic(), self._counted
        if counted is None or now - counted[0] > FRESH_SECONDS:
            store = self._backend().store
            counted = (now, flow_runs_by_state(store), unfinished_task_runs_by_state(store))
            self._counted = counted
        return counted[1], counted[2]


def _by_state(counts: Mapping[str, int]) -> Samples:
    return [({"state": state}, count) for state, count in sorted(counts.items())]


def _process() -> list[str]:
    times = os.times()
    found = [
        _family(
            "process_cpu_seconds_total",
            "counter",
            "CPU time used.",
            [({}, round(times.user + times.system, 3))],
        )
    ]
    memory = procinfo.memory()
    if memory is not None:
        found.append(_family("process_resident_memory_bytes", "gauge", "Memory in use.", [({}, memory)]))
    return found


def _family(name: str, kind: str, about: str, samples: Samples) -> str:
    head = f"# HELP {name} {about}\n# TYPE {name} {kind}\n"
    return head + "".join(_line(name, labels, value) for labels, value in samples)


def _histogram(name: str, about: str, found: Iterable[tuple[Mapping[str, str], Histogram]]) -> list[str]:
    parts = [f"# HELP {name} {about}\n# TYPE {name} histogram\n"]
    bounds = [*map(str, BOUNDS), "+Inf"]
    for labels, histogram in found:
        sums = list(accumulate(histogram.counts))
        parts += [
            _line(f"{name}_bucket", {**labels, "le": bound}, count)
            for bound, count in zip(bounds, sums, strict=True)
        ]
        parts.append(_line(f"{name}_sum", labels, round(histogram.total, 6)))
        parts.append(_line(f"{name}_count", labels, sums[-1]))
    return parts


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{shown}}} {value}\n" if shown else f"{name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

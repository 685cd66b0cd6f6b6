"""What holds after every fault, whatever it was. A store is asked by its URL, SQLite or Postgres.

No state that had ended has changed, no row is lost or doubled, no row contradicts another, and whatever has not ended
has an owner with a lease or a reason to wait; what has ended holds no slots.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.opening import open_store
from prefect.testing import _ledger
from prefect.testing._ledger import FINAL, SETTLED, Ledger

if TYPE_CHECKING:
    from prefect._storage.protocol import Store

_ENDED = f"state_type IN ({','.join(repr(one) for one in sorted(FINAL))})"
_OF_FLOWS = (
    f"SELECT id, attempt, state_type, state_name, state_timestamp, state_id FROM flow_run WHERE {_ENDED}"
)
_OF_TASKS = (
    f"SELECT id, attempt, state_type, state_name, state_timestamp, end_time FROM task_run WHERE {_ENDED}"
)


class Ended(NamedTuple):
    """A run that has ended, and how."""

    attempt: int
    type: str
    name: str
    timestamp: int
    mark: bytes | int


class Watch:
    """Looks at a store while things happen to it, and keeps what had ended: that must stay as it was."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended: dict[bytes, Ended] = {}
        self.looks = 0
        self.changes: list[str] = []

    def look(self) -> None:
        """Compare what has ended with what had."""
        with closing(open_store(self._url)) as store:
            now = {row[0]: Ended(*row[1:]) for sql in (_OF_FLOWS, _OF_TASKS) for row in store.rows(sql)}
        for run_id, before in self._ended.items():
            after = now.get(run_id)
            if after != before and not _is_taken_up(before, after):
                self.changes.append(f"{run_id.hex()} had ended as {before} and is {after}")
        self._ended = now
        self.looks += 1


def _is_taken_up(before: Ended, after: Ended | None) -> bool:
    """Only a crashed run goes on, in a newer attempt: None is one that is going on."""
    return before.type not in SETTLED and (after is None or after.attempt > before.attempt)


def unowned(url: str) -> list[str]:
    """Runs that have not ended, are executed by nobody, and do not say what they wait for."""
    with closing(open_store(url)) as store:
        leases = {row[0] for row in store.rows("SELECT id FROM process")}
        flow_runs = store.rows(
            "SELECT id, name, state_type, owner, next_scheduled_start_time, state_details FROM flow_run "
            f"WHERE NOT {_ENDED}"
        )
        return [
            f"flow run {name} is {state}, and neither has an owner nor waits for anything"
            for _, name, state, owner, start, details in flow_runs
            if owner not in leases
            and not (state == "SCHEDULED" and start is not None)
            and not (state == "PAUSED" and details is not None)
        ] + _unowned_tasks(store, {row[0] for row in flow_runs if row[3] in leases}, leases)


def _unowned_tasks(store: Store, owned: set[bytes], leases: set[bytes]) -> list[str]:
    found = store.rows(f"SELECT name, state_type, flow_run_id, process_id FROM task_run WHERE NOT {_ENDED}")
    return [
        f"task run {name} is {state}, and nobody executes it"
        for name, state, flow_run_id, process_id in found
        if state != "SCHEDULED" and flow_run_id not in owned and process_id not in leases
    ]


def doubled(ledger: Ledger) -> list[str]:
    """Calls that are on record twice in one attempt."""
    calls = Counter(
        (run.flow_run_id, run.attempt, run.memo) for run in ledger.task_runs.values() if run.memo is not None
    )
    return [f"the call {memo} is on record {n} times" for (_, _, memo), n in calls.items() if n > 1]


def doubled_lines(url: str) -> list[str]:
    """Log lines of task runs that are on record twice."""
    with closing(open_store(url)) as store:
        found = store.rows(
            "SELECT message, COUNT(*) FROM log WHERE task_run_id IS NOT NULL "
            "GROUP BY task_run_id, message, timestamp HAVING COUNT(*) > 1"
        )
    return [f"the line {message!r} is on record {n} times" for message, n in found]


def leaked_slots(url: str) -> list[str]:
    """Slots of limits that runs hold which have ended."""
    with closing(open_store(url)) as store:
        found = store.rows(
            "SELECT r.name, r.state_name FROM concurrency_lease l JOIN flow_run r ON r.id = l.holder_id "
            f"WHERE r.{_ENDED}"
        )
    return [f"flow run {name} is {state}, and holds slots" for name, state in found]


def check(url: str, watch: Watch | None = None) -> Ledger:
    """Everything that must hold; what is on record."""
    faults: list[str] = []
    if watch is not None:
        watch.look()
        faults += watch.changes
    ledger = _ledger.read_store(url)
    faults += _ledger.inconsistencies(ledger) + doubled(ledger) + doubled_lines(url) + unowned(url)
    faults += leaked_slots(url)
    assert faults == [], "\n".join(faults[:20])
    return ledger

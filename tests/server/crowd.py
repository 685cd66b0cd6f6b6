"""A store with as many runs as a server has after a year, written by SQL alone: tests ask it for plans and times.

`crowded` calls each of `FILL`, in order: who has a table of a million rows adds a function there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from prefect._base.ids import new_id
from prefect._storage.sqlite import SqliteStore

FLOW_RUNS = 100_000
TASK_RUNS = 1_000_000
FIRST = 1_760_000_000_000_000  # microseconds: when the oldest run was made; each is a second younger

# n counts from 0; ids are version 7 in shape, so that they grow with n
_ID = "unhex_of(printf('%012x70008000%012x', {time} / 1000, {n}))"
_COUNT = "WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?)"


@contextmanager
def quick(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for bulk loads: nothing is kept if the machine stops."""
    with closing(sqlite3.connect(path, isolation_level=None)) as cx:
        cx.create_function("unhex_of", 1, bytes.fromhex, deterministic=True)
        cx.execute("PRAGMA synchronous = OFF")
        cx.execute("PRAGMA cache_size = -200000")
        cx.execute("BEGIN")
        yield cx
        cx.execute("COMMIT")


def flows(cx: sqlite3.Connection) -> None:
    """100 flows, every run of them belongs to one."""
    rows = [(new_id(), f"flow-{n:03}", FIRST, FIRST, '["a"]' if n % 10 == 0 else "[]") for n in range(100)]
    cx.executemany("INSERT INTO flow (id, name, created, updated, tags) VALUES (?,?,?,?,?)", rows)
    cx.execute(
        "CREATE TEMP TABLE nth_flow AS SELECT row_number() OVER (ORDER BY name) - 1 AS n, id FROM flow"
    )
    cx.execute("CREATE INDEX temp.nth ON nth_flow (n)")


def flow_runs(cx: sqlite3.Connection) -> None:
    """100,000 flow runs: of 100, 95 are Completed, two failed, one each is cancelled, crashed or scheduled."""
    time = f"({FIRST} + n * 1000000)"
    run_id = _ID.format(time=time, n="n")
    cx.execute(
        f"""{_COUNT}, s (n, type, name) AS (
            SELECT n, CASE n % 100 WHEN 1 THEN 'FAILED' WHEN 2 THEN 'FAILED' WHEN 3 THEN 'CANCELLED'
            WHEN 4 THEN 'CRASHED' WHEN 5 THEN 'SCHEDULED' ELSE 'COMPLETED' END,
            CASE n % 100 WHEN 1 THEN 'Failed' WHEN 2 THEN 'TimedOut' WHEN 3 THEN 'Cancelled'
            WHEN 4 THEN 'Crashed' WHEN 5 THEN 'Late' ELSE 'Completed' END FROM c)
        INSERT INTO flow_run (
            id, name, flow_id, state_id, state_type, state_name, state_timestamp, created, updated, attempt,
            run_count, parameters, tags, policy, context, labels, extra, expected_start_time,
            next_scheduled_start_time, start_time, end_time, total_run_time, deployment_id, idempotency_key
        )
        SELECT {run_id}, printf('brave-%06d', n * 7919 % 100000),
            (SELECT id FROM nth_flow f WHERE f.n = s.n % 100), {run_id}, type, name, {time}, {time}, {time}, 1, 1,
            '{{"n":' || n || '}}', CASE WHEN n % 50 = 0 THEN '["rare"]' ELSE '[]' END, '{{}}', '{{}}', '{{}}', '{{}}',
            {time}, CASE WHEN type = 'SCHEDULED' THEN {time} END,
            CASE WHEN type <> 'SCHEDULED' THEN {time} + 1000 END, CASE WHEN type <> 'SCHEDULED' THEN {time} + 9000 END,
            8000, CASE WHEN n % 10 = 0 THEN {_ID.format(time="0", n="n % 100")} END,
            CASE WHEN n % 10 = 0 THEN 'key-' || n END
        FROM s""",
        (FLOW_RUNS,),
    )
    cx.execute(
        "INSERT INTO flow_run_tag (tag, flow_run_id) SELECT 'rare', id FROM flow_run WHERE tags <> '[]'"
    )


def task_runs(cx: sqlite3.Connection) -> None:
    """1,000,000 task runs, ten of each flow run."""
    time = f"({FIRST} + n * 100000)"
    cx.execute(
        f"""{_COUNT} INSERT INTO task_run (
            id, flow_run_id, attempt, task_key, name, created, flow_run_run_count, state_type, state_name,
            state_timestamp, start_time, end_time, run_count
        )
        SELECT {_ID.format(time=time, n="n")}, {_ID.format(time=f"({FIRST} + n / 10 * 1000000)", n="n / 10")}, 1,
            'task-' || (n % 10), 'task-' || (n % 10) || '-abc', {time}, 1, 'COMPLETED', 'Completed', {time}, {time}, {time}, 1
        FROM c""",
        (TASK_RUNS,),
    )


FILL: list[Callable[[sqlite3.Connection], None]] = [flows, flow_runs, task_runs]


def crowded(path: Path) -> None:
    """Make the store at a path."""
    SqliteStore(str(path)).close()
    with quick(path) as cx:
        for fill in FILL:
            fill(cx)

"""The SQL of flows, flow runs and their states."""

from __future__ import annotations

import json
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from prefect._base.ids import new_id
from prefect._storage import clauses
from prefect._storage.filters import where
from prefect._storage.table import EVERYTHING
from prefect.model.records import FlowRunRecord, StateRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.filters import Condition
    from prefect._storage.protocol import Queries, Store, Transaction

# in the order of the table; names of other tables are joined, the present state is spread over seven columns
_STATE = ("id", "type", "name", "timestamp", "message", "data", "details")
_PLAIN = (
    "created",
    "updated",
    "attempt",
    "owner",
    "run_count",
    "flow_version",
    "entrypoint",
    "working_dir",
    "deployment_id",
    "parent_task_run_id",
    "parent_flow_run_id",
    "root_flow_run_id",
    "idempotency_key",
    "expected_start_time",
    "next_scheduled_start_time",
    "start_time",
    "end_time",
    "total_run_time",
    "result",
    "parameters_pickle",
    "work_queue_id",
    "auto_scheduled",
    "infrastructure_pid",
)
_JSON = ("parameters", "tags", "policy", "context", "labels", "extra", "created_by")
_COLUMNS = ("id", "name", "flow_id", *(f"state_{c}" for c in _STATE), *_PLAIN, *_JSON)
_plain_of = attrgetter(*_PLAIN)
_json_of = attrgetter(*_JSON)
_FIRST_PLAIN = 3 + len(_STATE)
_FIRST_JSON = _FIRST_PLAIN + len(_PLAIN)
_FIRST_JOINED = _FIRST_JSON + len(_JSON)
_JOINED = ("flow_name", "work_queue_name", "work_pool_id", "work_pool_name")
_READ = ("id", "name", "flow_id", "state", *_PLAIN, *_JSON, *_JOINED)  # a row, once its state is one value
_TAGS = _READ.index("tags")
_in_order = itemgetter(*(_READ.index(field) for field in FlowRunRecord._fields))

SELECT = (
    f"SELECT {','.join(f'r.{c}' for c in _COLUMNS)}, f.name, q.name, p.id, p.name "  # noqa: S608
    "FROM flow_run r JOIN flow f ON f.id = r.flow_id "
    "LEFT JOIN work_queue q ON q.id = r.work_queue_id LEFT JOIN work_pool p ON p.id = q.work_pool_id"
)
_INSERT = (
    f"INSERT INTO flow_run ({','.join(_COLUMNS)}) VALUES ({','.join('?' * len(_COLUMNS))}) "  # noqa: S608
    "ON CONFLICT (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
)
_STATES = (
    "INSERT INTO flow_run_state (flow_run_id, id, type, name, timestamp, message, data, details) VALUES "
)
_ONE_STATE = "(?,?,?,?,?,?,?,?)"


_encode = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` makes an encoder for each call
_decode = json.JSONDecoder().decode


def dumps(value: Any) -> str:
    """Compact JSON, as it is stored."""
    return "{}" if value == {} else "[]" if value == () else _encode(value)


def _json(value: Any) -> str | None:
    return None if value is None else dumps(value)


def _loaded(text: str | None) -> Any:
    """Most columns of most runs are empty."""
    if text is None:
        return None
    return {} if text == "{}" else _decode(text)


def state_values(state: StateRecord) -> tuple[Any, ...]:
    """A state as the values of its seven columns."""
    return (
        state.id,
        state.type,
        state.name,
        state.timestamp,
        state.message,
        dumps(state.data) if state.data is not None else None,
        dumps(state.details) if state.details else None,
    )


def state_of(values: Sequence[Any]) -> StateRecord:
    """The state in seven columns."""
    *plain, data, details = values
    return StateRecord._make((*plain, _decode(data) if data else None, _decode(details) if details else None))


def record_of(row: Sequence[Any]) -> FlowRunRecord:
    """The record of a row of `SELECT`."""
    values: list[Any] = [
        *row[:3],
        state_of(row[3:_FIRST_PLAIN]),
        *row[_FIRST_PLAIN:_FIRST_JSON],
        *map(_loaded, row[_FIRST_JSON:_FIRST_JOINED]),
        *row[_FIRST_JOINED:],
    ]
    values[_TAGS] = tuple(values[_TAGS])
    return FlowRunRecord._make(_in_order(values))


def flow_id_of(cx: Transaction, name: str, now: int) -> bytes:
    """The id of the flow of that name, made if it is new."""
    found = cx.execute("SELECT id FROM flow WHERE name = ?", (name,)).fetchone()
    if found:
        return found[0]
    # another server may make it just now
    cx.execute(
        "INSERT INTO flow (id, name, created, updated) VALUES (?,?,?,?) ON CONFLICT (name) DO NOTHING",
        (new_id(), name, now, now),
    )
    return cx.execute("SELECT id FROM flow WHERE name = ?", (name,)).fetchone()[0]


def insert(cx: Transaction, run: FlowRunRecord, states: Sequence[StateRecord]) -> bool:
    """A new flow run with its first states; the last of them is the present one.

    False, and nothing is written, where the flow has a run of that idempotency key (see `with_key`).
    """
    loaded = map(_json, _json_of(run))
    done = cx.execute(
        _INSERT, (run.id, run.name, run.flow_id, *state_values(run.state), *_plain_of(run), *loaded)
    )
    if done.rowcount == 0:
        return False
    values = [value for state in states for value in (run.id, *state_values(state))]
    cx.execute(_STATES + ",".join([_ONE_STATE] * len(states)), values)
    if run.tags:
        _insert_tags(cx, run.id, run.tags)
    return True


def insert_state(cx: Transaction, run_id: bytes, state: StateRecord) -> None:
    """One more state in the run's history."""
    cx.execute(_STATES + _ONE_STATE, (run_id, *state_values(state)))


def _insert_tags(cx: Transaction, run_id: bytes, tags: Iterable[str]) -> None:
    rows = [(tag, run_id) for tag in dict.fromkeys(tags)]
    cx.insert_many("INSERT INTO flow_run_tag (tag, flow_run_id)", "", rows, 2)


def update(
    cx: Transaction, run_id: bytes, changes: dict[str, Any], *, only_if: FlowRunRecord | None = None
) -> bool:
    """Change columns of a run; the key `state` sets the present state.

    With `only_if` (compare and set) nothing is changed, and False returned, unless the run is still in that state
    and attempt.
    """
    columns = dict(changes)
    state = columns.pop("state", None)
    if state is not None:
        columns |= {f"state_{c}": v for c, v in zip(_STATE, state_values(state), strict=True)}
    for name in _JSON:
        if name in columns:
            columns[name] = _json(columns[name])
    assignments = ",".join(f"{column} = ?" for column in columns)
    condition, expected = "id = ?", [run_id]
    if only_if is not None:
        condition += " AND state_id = ? AND attempt = ?"
        expected += [only_if.state.id, only_if.attempt]
    done = cx.execute(f"UPDATE flow_run SET {assignments} WHERE {condition}", (*columns.values(), *expected))  # noqa: S608
    if "tags" in changes and done.rowcount == 1:
        cx.execute("DELETE FROM flow_run_tag WHERE flow_run_id = ?", (run_id,))
        _insert_tags(cx, run_id, changes["tags"])
    return done.rowcount == 1


def read(cx: Transaction, run_id: bytes) -> FlowRunRecord | None:
    """One run, inside a transaction that decides by it: until its end nobody else changes the run."""
    row = cx.execute(f"{SELECT} WHERE r.id = ?{cx.for_update('r')}", (run_id,)).fetchone()
    return record_of(row) if row else None


def claim_of(cx: Transaction, run_id: bytes) -> tuple[int, bytes | None] | None:
    """The run's attempt and owner, which stay so until the end of the transaction; None where there is no run."""
    return cx.row(f"SELECT attempt, owner FROM flow_run WHERE id = ?{cx.for_share('flow_run')}", (run_id,))  # noqa: S608


def with_key(cx: Transaction, flow_id: bytes, idempotency_key: str) -> FlowRunRecord | None:
    """The flow's run of that idempotency key."""
    clause = "r.flow_id = ? AND r.idempotency_key = ?"
    row = cx.execute(f"{SELECT} WHERE {clause}", (flow_id, idempotency_key)).fetchone()
    return record_of(row) if row else None


def find(
    store: Store, conditions: Iterable[Condition] = (), *, limit: int | None = None, offset: int = 0
) -> list[FlowRunRecord]:
    """Runs that meet every condition, newest first."""
    clause, values = where(conditions, {"flow_name": "f.name"}, prefix="r.")
    rows = store.rows(
        f"{SELECT}{clause} ORDER BY r.id DESC LIMIT ? OFFSET ?",
        (*values, EVERYTHING if limit is None else limit, offset),
    )
    return [record_of(row) for row in rows]


def states(store: Store, run_id: bytes) -> list[StateRecord]:
    """Every state the run was in, oldest first."""
    rows = store.rows(
        "SELECT id, type, name, timestamp, message, data, details FROM flow_run_state "
        "WHERE flow_run_id = ? ORDER BY timestamp, id",
        (run_id,),
    )
    return [state_of(row) for row in rows]


def owned_by(cx: Transaction, process_id: bytes) -> list[FlowRunRecord]:
    """The runs that a process executes; held, as by `read`."""
    rows = cx.execute(f"{SELECT} WHERE r.owner = ?{cx.for_update('r')}", (process_id,)).fetchall()
    return [record_of(row) for row in rows]


def cancelling(queries: Queries, process_id: bytes) -> list[bytes]:
    """Which runs of a process were asked to stop."""
    rows = queries.rows(
        "SELECT id FROM flow_run WHERE owner = ? AND state_type = 'CANCELLING'", (process_id,)
    )
    return [row[0] for row in rows]


def release(cx: Transaction, run_id: bytes, process_id: bytes) -> None:
    """The process does not execute the run any more, which has not ended."""
    cx.execute("UPDATE flow_run SET owner = NULL WHERE id = ? AND owner = ?", (run_id, process_id))


def children_of(cx: Transaction, run_id: bytes) -> list[FlowRunRecord]:
    """The runs that a run has started."""
    rows = cx.execute(f"{SELECT} WHERE r.parent_flow_run_id = ?", (run_id,)).fetchall()
    return [record_of(row) for row in rows]


def delete(cx: Transaction, run_ids: Sequence[bytes]) -> int:
    """Remove runs with their states, tags, inputs, task runs and logs; how many runs there were."""
    marks = ",".join("?" * len(run_ids))
    for table in ("flow_run_state", "flow_run_tag", "flow_run_input", "task_run", "log"):
        cx.execute(f"DELETE FROM {table} WHERE flow_run_id IN ({marks})", run_ids)  # noqa: S608
    return cx.execute(f"DELETE FROM flow_run WHERE id IN ({marks})", run_ids).rowcount  # noqa: S608


def names(source: Queries, run_ids: Sequence[bytes]) -> dict[bytes, str]:
    """The names of runs, by id; of those that there are."""
    wanted = clauses.any_of("id", run_ids)
    return dict(source.rows(f"SELECT id, name FROM flow_run WHERE {wanted.sql}", wanted.values))  # noqa: S608

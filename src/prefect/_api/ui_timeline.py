"""What a flow run's timeline shows: all of its task runs in one small answer, and the same as lanes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.flow_runs import required
from prefect._api.plain import Plain
from prefect._base.clock import now_us, to_datetime
from prefect._storage import flow_runs, run_timeline
from prefect._storage.run_timeline import Child, TimelineRow
from prefect.model.run_lanes import RunLane, RunLanes
from prefect.model.state import StateType

MOST_RUNS = 50_000
FOLD_FROM = 9  # runs of one task
MOST_UNFOLDED = 500  # of them as lanes of their own
_TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_TYPES = [one.value for one in StateType]
_PLACES = {name: place for place, name in enumerate(_TYPES)}
_quoted = json.encoder.encode_basestring_ascii


@endpoint("GET", "/ui/flow_runs/{id}/timeline", role="viewer")
def read_flow_run_timeline(api: Api, id: UUID, since: int = 0) -> Plain:
    """JSON for the timeline of a run. Raises ObjectNotFound.

    Times are whole microseconds since `base`. A row is `[id, name, key, changes, state, parents, subflow]`: the place
    of its task's key in `keys`; each type of state (a place in `types`) that it entered, followed by when; the name of
    the present state; the ids of the task runs that its inputs came from; and the id of the flow run that it stands
    for, if it does.

    Args:
        api: whom to ask.
        id: of the flow run.
        since: only rows that have changed since then (microseconds since the epoch; `until` of the answer before).
    """
    run = required(api, id)
    until = now_us()
    base = run.start_time or run.created
    found = run_timeline.rows(api.store, run.id, since=since, limit=MOST_RUNS)
    children = _children(api, run.id)
    keys: dict[str, int] = {}
    rows = [_row(one, children.get(one.id), base, keys) for one in found]
    states = [
        (_TYPES.index(one.type), one.timestamp - base, one.name)
        for one in flow_runs.states(api.store, run.id)
    ]
    answer = {
        "base": base,
        "now": until - base,
        "until": max((one.state_timestamp for one in found), default=since),
        "ended": run.state.type in _TERMINAL,
        "more": len(found) == MOST_RUNS,
        "types": _TYPES,
        "states": states,
        "keys": list(keys),
    }
    head = json.dumps(answer, separators=(",", ":"))[:-1]
    return Plain(f'{head},"rows":[{",".join(rows)}]}}', "application/json")


@endpoint("GET", "/ui/flow_runs/{id}/lanes", role="viewer")
def read_flow_run_lanes(api: Api, id: UUID, unfold: str = "", edges: bool = False) -> RunLanes:
    """The lanes of a run: those of one task are folded where they are many. Raises ObjectNotFound.

    Args:
        api: whom to ask.
        id: of the flow run.
        unfold: the key of a task whose runs have lanes of their own.
        edges: whether to say what each lane was given by which.
    """
    run = required(api, id)
    found = run_timeline.rows(api.store, run.id, limit=MOST_RUNS, brief=not edges)
    children = _children(api, run.id)
    lane_of = _folded(found, unfold)
    members: dict[str, list[TimelineRow]] = {}
    for one in found:
        members.setdefault(lane_of[one.id], []).append(one)
    lanes = [_lane(key, some, children) for key, some in members.items()]
    if edges:
        for lane in lanes:
            lane.parents = _parents(lane.key, members[lane.key], lane_of)
    lanes.sort(key=lambda one: (one.start or one.begin, one.begin))
    changes = [
        *(one.state_timestamp for one in found),
        *(one.end_time or one.start_time or 0 for one in children.values()),
    ]
    mark = f"{len(found)}-{max(changes, default=0)}-{run.state.timestamp}"
    return RunLanes(lanes=lanes, runs=len(found), more=len(found) == MOST_RUNS, mark=mark)


def _children(api: Api, run_id: bytes) -> dict[bytes, Child]:
    found = run_timeline.children(api.store, run_id, limit=MOST_RUNS)
    return {one.task_run_id: one for one in found if one.task_run_id is not None}


def _row(one: TimelineRow, child: Child | None, base: int, keys: dict[str, int]) -> str:
    """Written by hand: of 10,000 rows as objects, `json` would take longer than the database."""
    changes = ",".join(f"{_PLACES[kind]},{when - base}" for kind, when in _changes(one, child))
    key = keys.setdefault(one.task_key, len(keys))
    state = _quoted((child or one).state_name)
    row = f'["{one.id.hex()}",{_quoted(_name(one, child))},{key},[{changes}],{state}'
    sources = ",".join(f'"{source.hex()}"' for source in _sources(one))
    if child:
        return f'{row},[{sources}],"{child.id.hex()}"]'
    return f"{row},[{sources}]]" if sources else f"{row}]"


def _changes(one: TimelineRow, child: Child | None) -> list[tuple[str, int]]:
    if one.history and not child:
        return [(entry[0], entry[2]) for entry in json.loads(one.history)]
    shown = child or one
    changes = [("PENDING", shown.created)]
    if shown.start_time is not None:
        changes.append(("RUNNING", shown.start_time))
    if shown.end_time is not None:
        changes.append((shown.state_type, shown.end_time))
    elif shown.state_type not in {"PENDING", "RUNNING"}:
        changes.append((shown.state_type, shown.start_time or shown.created))
    return changes


def _name(one: TimelineRow, child: Child | None) -> str:
    return one.name if child is None else f"{child.flow_name} / {child.name}"


def _sources(one: TimelineRow) -> Iterable[bytes]:
    """The task runs that the inputs of one came from, each once."""
    if one.detail is None or '"task_inputs"' not in one.detail:
        return ()
    inputs: dict[str, list[Any]] = json.loads(one.detail)["task_inputs"]
    every = (source for name, some in inputs.items() if name != "__parents__" for source in some)
    ids = (source if isinstance(source, str) else source.get("id") for source in every)
    return dict.fromkeys(UUID(source).bytes for source in ids if source)


def _folded(found: list[TimelineRow], unfold: str) -> dict[bytes, str]:
    """The lane of each run: its task's, or its own."""
    counts = Counter(one.task_key for one in found)
    left = MOST_UNFOLDED
    lane_of: dict[bytes, str] = {}
    for one in found:
        own = counts[one.task_key] < FOLD_FROM
        if not own and one.task_key == unfold and left:
            own, left = True, left - 1
        lane_of[one.id] = one.id.hex() if own else one.task_key
    return lane_of


def _lane(key: str, some: list[TimelineRow], children: Mapping[bytes, Child]) -> RunLane:
    child = children.get(some[0].id)
    shown = [children.get(one.id, one) for one in some]
    single = key == some[0].id.hex()
    states = Counter(one.state_type for one in shown)
    starts = [one.start_time for one in shown if one.start_time is not None]
    ends = [one.end_time for one in shown]
    ended = [one for one in ends if one is not None]
    id = (child.id if child else some[0].id) if single else None
    return RunLane.model_construct(
        None,
        key=key,
        task_key=some[0].task_key,
        label=_name(some[0], child) if single else _task_name(some[0].task_key),
        kind=("flow" if child else "task") if single else "many",
        id=UUID(bytes=id) if id else None,
        states={StateType(name): number for name, number in states.items()},
        attempts=sum(one.run_count for one in some),
        begin=to_datetime(min(one.created for one in shown)),
        start=to_datetime(min(starts)) if starts else None,
        end=to_datetime(max(ended)) if len(ended) == len(ends) else None,
        busy=sum(one.end_time - one.start_time for one in shown if one.end_time and one.start_time),
        parents=[],
    )


def _task_name(task_key: str) -> str:
    """A task's key ends with a digest of where its code is."""
    name, _, digest = task_key.rpartition("-")
    return name if name and len(digest) == 8 else task_key


def _parents(key: str, some: list[TimelineRow], lane_of: Mapping[bytes, str]) -> list[str]:
    found = (lane_of.get(source) for one in some for source in _sources(one))
    return [one for one in dict.fromkeys(found) if one is not None and one != key]

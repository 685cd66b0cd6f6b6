"""The timeline of a flow run: what the canvas is given, and the same as a table for who has no canvas."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from prefect._api.ui_timeline import read_flow_run_timeline
from prefect.model.state import StateType
from prefect.server.ui.page import Asked, File, page

if TYPE_CHECKING:
    from prefect.model.run_lanes import RunLane, RunLanes
    from prefect.model.runs import FlowRun

MOST_LANES = 300  # of the table
_WORST_FIRST = (
    StateType.CRASHED,
    StateType.FAILED,
    StateType.RUNNING,
    StateType.CANCELLING,
    StateType.PAUSED,
    StateType.PENDING,
    StateType.SCHEDULED,
    StateType.CANCELLED,
    StateType.COMPLETED,
)


class Bar(NamedTuple):
    """A line of the table. Places and widths are percentages of the whole time."""

    lane: RunLane
    state: StateType
    since: timedelta
    length: timedelta | None
    wait: tuple[float, float]
    work: tuple[float, float] | None


@page("/runs/flow-run/{id}/timeline.json")
def send_timeline(asked: Asked, id: UUID) -> File:
    """All task runs of a run, for the canvas; with `since` in the query, those that have changed."""
    since = asked.query.get("since", "0")
    answer = read_flow_run_timeline(asked.api, id, int(since) if since.isdecimal() else 0)
    return File("timeline.json", answer.media_type, iter([answer.text]))


def content(asked: Asked, run: FlowRun, found: RunLanes) -> dict[str, object]:
    """What the tab shows."""
    return {"bars": _bars(found.lanes[:MOST_LANES], run), "as_table": asked.query.get("as") == "table"}


def worst(lane: RunLane) -> StateType:
    """The state that says most about a lane."""
    return next(one for one in _WORST_FIRST if one in lane.states)


def _bars(lanes: list[RunLane], run: FlowRun) -> list[Bar]:
    if not lanes:
        return []
    first = run.start_time or min(one.begin for one in lanes)
    ends = [one.end or one.start or one.begin for one in lanes]
    # what still runs reaches to the last thing that is known: the page of one state of the store is always the same
    last = max([*ends, run.end_time or first])
    whole = max((last - first) / timedelta(milliseconds=1), 1.0)

    def place(moment: datetime) -> float:
        return min(100.0, max(0.0, (moment - first) / timedelta(milliseconds=1) / whole * 100))

    def stretch(begin: datetime, end: datetime) -> tuple[float, float]:
        return round(place(begin), 3), round(max(0.15, place(end) - place(begin)), 3)

    return [
        Bar(
            lane=one,
            state=worst(one),
            since=(one.start or one.begin) - first,
            length=one.end - one.start if one.end and one.start else None,
            wait=stretch(one.begin, one.start or last),
            work=stretch(one.start, one.end or last) if one.start else None,
        )
        for one in lanes
    ]

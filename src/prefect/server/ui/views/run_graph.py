"""The graph of a flow run: what was given to what, drawn on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.ui_timeline import read_flow_run_lanes
from prefect.server.ui.layers import layered
from prefect.server.ui.views.run_timeline import worst

if TYPE_CHECKING:
    from prefect.model.runs import FlowRun
    from prefect.server.ui.page import Asked

MOST_NODES = 400


def content(asked: Asked, run: FlowRun) -> dict[str, object]:
    """What the tab shows."""
    unfold = asked.query.get("unfold", "")
    found = read_flow_run_lanes(asked.api, run.id, unfold, edges=True)
    lanes = found.lanes[:MOST_NODES]
    known = {one.key for one in lanes}
    drawing = layered({one.key: [key for key in one.parents if key in known] for one in lanes})
    return {
        "lanes": found,
        "drawing": drawing,
        "nodes": [(drawing.places[one.key], one, worst(one)) for one in lanes],
        "unfold": unfold,
        "left_out": len(found.lanes) - len(lanes),
    }

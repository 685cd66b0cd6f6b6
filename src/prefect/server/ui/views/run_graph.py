"""The graph of a flow run: what was given to what, drawn on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.server.ui.layers import layered
from prefect.server.ui.views.run_timeline import worst

if TYPE_CHECKING:
    from prefect.model.run_lanes import RunLanes

MOST_NODES = 400


def content(found: RunLanes) -> dict[str, object]:
    """What the tab shows, of lanes with their edges."""
    lanes = found.lanes[:MOST_NODES]
    known = {one.key for one in lanes}
    drawing = layered({one.key: [key for key in one.parents if key in known] for one in lanes})
    return {
        "drawing": drawing,
        "nodes": [(drawing.places[one.key], one, worst(one)) for one in lanes],
        "left_out": len(found.lanes) - len(lanes),
    }

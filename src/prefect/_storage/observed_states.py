"""Which states runs have been in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries

MOST = 1000


class Observed(NamedTuple):
    """A state's type and name, and when a run first and last entered one (microseconds UTC)."""

    type: str
    name: str
    first: int
    last: int


def of_flow_runs(source: Queries) -> list[Observed]:
    """The states that flow runs on record have been in, by type and name; at most `MOST`.

    Jumps along an index from each pair to the next: the cost is that of the pairs, not of the rows.
    """
    found: list[Observed] = []
    type_, name = "", ""
    while len(found) < MOST:
        row = source.row(
            "SELECT type, name FROM flow_run_state WHERE (type, name) > (?, ?) ORDER BY type, name LIMIT 1",
            (type_, name),
        )
        if row is None:
            break
        type_, name = row
        times = source.row(
            "SELECT MIN(timestamp), MAX(timestamp) FROM flow_run_state WHERE type = ? AND name = ?", row
        )
        if times is not None and times[0] is not None:
            found.append(Observed(type_, name, *times))
    return found

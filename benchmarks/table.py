"""The results as lines of text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rows import ROWS, Figures, Row


class Line(NamedTuple):
    """A row with its figures, ready to be shown."""

    row: Row
    ours: float
    peer: float | None
    others: dict[str, float]

    @property
    def ratio(self) -> str:
        """How many times better than the peer, or worse if below one."""
        return times(self._times)

    @property
    def _times(self) -> float | None:
        if not self.peer or not self.ours:
            return None
        return self.ours / self.peer if self.row.more_is_better else self.peer / self.ours

    @property
    def ratio_met(self) -> str:
        """Whether the ratio is what the budget asks for."""
        asked = self.row.asked_ratio
        if asked is None or self._times is None:
            return "-"
        return "yes" if self._times >= asked else "**no**"

    @property
    def cells(self) -> list[str]:
        """What, budget, ours, peer, budget met, ratio, the ratio that was asked for, whether it was met."""
        figures = [show(value, self.row.unit) for value in (self.row.budget, self.ours, self.peer)]
        met = "yes" if self.row.met(self.ours) else "**no**"
        return [self.row.what, *figures, met, self.ratio, times(self.row.asked_ratio), self.ratio_met]


HEAD = ["what", "budget", "Pluperfect", "prefect 3.9.1", "met", "better by", "asked for", "ratio met"]


def times(ratio: float | None) -> str:
    """A ratio with the digits that mean something."""
    if ratio is None:
        return "-"
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


def lines(results: dict[str, Figures]) -> Iterator[Line]:
    """One line for each row that was measured."""
    for row in ROWS:
        if row.figure in results["ours"]:
            others = {
                name: results["others"][key] for name, key in row.others.items() if key in results["others"]
            }
            yield Line(row, results["ours"][row.figure], results["peer"].get(row.figure), others)


def as_text(results: dict[str, Figures]) -> str:
    """The table for a terminal."""
    shown: list[list[str]] = [HEAD]
    for line in lines(results):
        shown.append(line.cells)
        shown += [
            [f"  {name}", "", show(value, line.row.unit), *[""] * (len(HEAD) - 3)]
            for name, value in line.others.items()
        ]
    widths = [max(len(cells[column]) for cells in shown) for column in range(len(HEAD))]
    rows = [
        [
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        for cells in shown
    ]
    return "\n".join("  ".join(cells).replace("**no**", "    NO") for cells in rows)


def as_markdown(results: dict[str, Figures]) -> str:
    """The table for the page; the other engines stand in the row's first cell."""
    rows = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)]]
    for line in lines(results):
        others = "".join(f"; {name} {show(value, line.row.unit)}" for name, value in line.others.items())
        rows.append([line.row.what + others, *line.cells[1:]])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def show(value: float | None, unit: str) -> str:
    """A figure with three digits that mean something."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()

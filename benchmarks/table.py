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
        if not self.peer or not self.ours:
            return "-"
        times = self.ours / self.peer if self.row.more_is_better else self.peer / self.ours
        return f"{times:,.0f}x" if times >= 10 else f"{times:.1f}x"

    @property
    def cells(self) -> list[str]:
        """What, budget, ours, peer, ratio, met."""
        figures = [show(value, self.row.unit) for value in (self.row.budget, self.ours, self.peer)]
        return [self.row.what, *figures, self.ratio, "yes" if self.row.met(self.ours) else "**no**"]


HEAD = ["what", "budget", "Pluperfect", "prefect 3.9.1", "better by", "budget met"]


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
            [f"  {name}", "", show(value, line.row.unit), "", "", ""] for name, value in line.others.items()
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

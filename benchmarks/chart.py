"""The results as a chart: a pair of bars for each row, on a logarithmic scale, with the budget as a mark."""

from __future__ import annotations

import math
from html import escape

from rows import Figures
from table import Line, lines, show

LEFT, WIDTH, PAIR, TOP = 330, 520, 34, 56  # pixels: labels, bars, one pair, headline
OURS, PEER, INK, BUDGET = "#2a7f62", "#b0b7bf", "#24292f", "#c2410c"
SMALLEST = 1e-9  # what is nothing, on a scale that has no zero
DECADES = 5  # the scale of each row ends at the worse of its two figures and spans this many powers of ten


def as_svg(results: dict[str, Figures]) -> str:
    """The chart as SVG, for light and dark pages alike."""
    shown = [line for line in lines(results) if line.peer and not line.row.more_is_better]
    height = TOP + PAIR * len(shown) + 16
    box = f'viewBox="0 0 {LEFT + WIDTH + 120} {height}"'
    title = "Less is better: Pluperfect beside prefect 3.9.1 (logarithmic)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="system-ui, sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="22" font-size="15" fill="{INK}">{title}</text>',
        *legend(),
    ]
    for number, line in enumerate(shown):
        parts += pair(line, TOP + PAIR * number)
    return "\n".join([*parts, "</svg>\n"])


def legend() -> list[str]:
    entries = ((OURS, "Pluperfect"), (PEER, "prefect 3.9.1"), (BUDGET, "budget"))
    return [
        f'<rect x="{LEFT + 110 * at}" y="34" width="10" height="10" fill="{colour}"/>'
        f'<text x="{LEFT + 110 * at + 15}" y="43" fill="{INK}">{name}</text>'
        for at, (colour, name) in enumerate(entries)
    ]


def pair(line: Line, top: int) -> list[str]:
    """The two bars of a row with their figures, and the mark of the budget."""
    assert line.peer is not None
    longest = max(line.ours, line.peer)
    bars = [(line.ours, OURS, top), (line.peer, PEER, top + 13)]
    mark = length(line.row.budget, longest)
    what = escape(line.row.what.replace("`", ""))
    return [
        f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end" fill="{INK}">{what}</text>',
        *(bar(length(value, longest), colour, y) for value, colour, y in bars),
        *(label(length(value, longest), mark, y, show(value, line.row.unit)) for value, _, y in bars),
        f'<rect x="{LEFT + mark - 1}" y="{top - 2}" width="2" height="30" fill="{BUDGET}"/>',
    ]


def bar(end: int, colour: str, y: int) -> str:
    return f'<rect x="{LEFT}" y="{y}" width="{end}" height="11" fill="{colour}"/>'


def label(end: int, mark: int, y: int, figure: str) -> str:
    """A figure right of its bar, and right of the budget's mark if that would cross it."""
    if end <= mark <= end + 60:
        end = mark
    return f'<text x="{LEFT + end + 6}" y="{y + 10}" fill="{INK}">{figure}</text>'


def length(value: float, longest: float) -> int:
    """Pixels: a tenth of the value is a fifth of the width less."""
    return round(WIDTH * max(0.01, 1 + math.log10(max(value, SMALLEST) / longest) / DECADES))

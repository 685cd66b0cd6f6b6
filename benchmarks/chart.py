"""The results as a chart: a pair of bars for each row, on a logarithmic scale, with the budget as a mark."""

from __future__ import annotations

import math
from html import escape

from rows import Figures
from table import Line, lines, show

LEFT, WIDTH, PAIR, TOP = 330, 520, 34, 56  # pixels: labels, bars, one pair, headline
OURS, PEER, INK, BUDGET = "#2a7f62", "#b0b7bf", "#24292f", "#c2410c"
DECADES = 6  # the scale of each row ends at the worse of its two figures and spans this many powers of ten


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
    mark = LEFT + length(line.row.budget, longest)
    what = escape(line.row.what.replace("`", ""))
    return [
        f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end" fill="{INK}">{what}</text>',
        *(bar(value, longest, colour, y, line.row.unit) for value, colour, y in bars),
        f'<line x1="{mark}" x2="{mark}" y1="{top - 2}" y2="{top + 28}" stroke="{BUDGET}" stroke-width="2"/>',
    ]


def bar(value: float, longest: float, colour: str, y: int, unit: str) -> str:
    end = length(value, longest)
    return (
        f'<rect x="{LEFT}" y="{y}" width="{end}" height="11" fill="{colour}"/>'
        f'<text x="{LEFT + end + 6}" y="{y + 10}" fill="{INK}">{show(value, unit)}</text>'
    )


def length(value: float, longest: float) -> int:
    """Pixels: a tenth of the value is a sixth of the width less."""
    return round(WIDTH * max(0.01, 1 + math.log10(value / longest) / DECADES))

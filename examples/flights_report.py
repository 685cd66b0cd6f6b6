"""The report of `flights.py`: tables for people, a table for machines, and a chart. No workflow in here."""

from __future__ import annotations

import calendar
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

MONTHS = list(calendar.month_abbr)[1:]


class Year(NamedTuple):
    """All that the report says, in a few kilobytes."""

    rows: int
    clean: int
    findings: dict[str, int]
    rejecting: list[str]
    airlines: dict[str, str]
    cells: pd.DataFrame  # one row for each carrier and month
    weather: pd.DataFrame  # departure delays by visibility, month after month
    places: pd.DataFrame  # arrivals by destination, month after month


def write(folder: Path, year: Year) -> Path:
    """Write report.md, carriers.csv and chart.png into the folder; return the path of report.md."""
    carriers = by_carrier(year)
    carriers.to_csv(folder / "carriers.csv")
    chart(year, carriers).savefig(folder / "chart.png", dpi=110)
    text = folder / "report.md"
    text.write_text("\n".join([*headline(year), *quality(year), *tables(year, carriers)]) + "\n")
    return text


def by_carrier(year: Year) -> pd.DataFrame:
    sums = year.cells.drop(columns="month").groupby("carrier").sum()
    flown = sums.flights - sums.cancelled
    frame = pd.DataFrame(
        {
            "airline": pd.Series(year.airlines),
            "flights": sums.flights,
            "cancelled %": (100 * sums.cancelled / sums.flights).round(2),
            "mean departure delay (min)": (sums.dep_delay / flown).round(1),
            "on time %": (100 * sums.on_time / flown).round(1),
            "mean age of the planes (years)": (sums.age / sums.age_known).round(1),
        }
    )
    return frame.sort_values("flights", ascending=False).rename_axis("carrier")


def by_destination(year: Year) -> pd.DataFrame:
    sums = year.places.groupby(["dest", "name"], dropna=False)[["size", "count", "sum"]].sum().reset_index()
    sums["mean arrival delay (min)"] = (sums["sum"] / sums["count"]).round(1)
    top = (
        sums.sort_values("size", ascending=False)
        .head(10)
        .rename(columns={"size": "flights", "name": "airport"})
    )
    return top[["dest", "airport", "flights", "mean arrival delay (min)"]].set_index("dest")


def by_visibility(year: Year) -> pd.DataFrame:
    sums = year.weather.groupby(level=0, observed=False).sum()
    return pd.DataFrame({"departures": sums["count"], "delay": (sums["sum"] / sums["count"]).round(1)})


def delays(year: Year, carriers: pd.DataFrame) -> pd.DataFrame:
    """Mean departure delay, carriers by months; empty where a carrier did not fly."""
    cells = year.cells.assign(delay=year.cells.dep_delay / (year.cells.flights - year.cells.cancelled))
    return cells.pivot_table(index="carrier", columns="month", values="delay").loc[carriers.index]


def headline(year: Year) -> list[str]:
    cancelled = int(year.cells.cancelled.sum())
    return [
        "# Flights out of New York, 2013",
        "",
        f"{year.rows:,} flights were read and {year.clean:,} are in this report;",
        f"{year.rows - year.clean:,} rows were set aside (`months/rejected-*.csv`).",
        f"{cancelled:,} flights were cancelled.",
        "",
        "![Delays by carrier, month, visibility and destination](chart.png)",
    ]


def quality(year: Year) -> list[str]:
    lines = ["", "## What was found in the data", "", "| finding | rows | what was done |", "|---|---:|---|"]
    for rule, count in year.findings.items():
        lines.append(f"| {rule} | {count:,} | {'set aside' if rule in year.rejecting else 'kept'} |")
    return lines


def tables(year: Year, carriers: pd.DataFrame) -> list[str]:
    return [
        *("", "## Carriers", "", *markdown(carriers)),
        *("", "## The ten busiest destinations", "", *markdown(by_destination(year))),
        *("", "## Visibility (miles) at departure", "", *markdown(by_visibility(year))),
    ]


def markdown(frame: pd.DataFrame) -> list[str]:
    """A Markdown table, numbers to the right."""
    head = [frame.index.name or "", *frame.columns]
    sides = ["---", *("---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in frame.dtypes)]
    rows = [
        [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]
        for row in frame.itertuples(name=None)
    ]
    return [f"| {' | '.join(row)} |" for row in (head, sides, *rows)]


def chart(year: Year, carriers: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(12, 8), layout="constrained")
    figure.suptitle(f"{year.rows:,} flights out of New York, 2013", fontsize=15)
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 2])
    heatmap(figure, figure.add_subplot(grid[0, :]), delays(year, carriers), carriers.airline)
    visibility, places = by_visibility(year), by_destination(year).iloc[::-1]
    left, right = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    left.bar(visibility.index.astype(str), visibility.delay, color="#4477aa")
    left.set(title="Mean departure delay by visibility (miles)", ylabel="minutes")
    right.barh(places.index, places.flights, color="#66aa77")
    right.set(title="The ten busiest destinations", xlabel="flights")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def heatmap(figure: Figure, axes, delay: pd.DataFrame, names: pd.Series) -> None:
    image = axes.imshow(delay, aspect="auto", cmap="RdYlGn_r", vmin=-10, vmax=40)
    axes.set_xticks(range(len(MONTHS)), MONTHS)
    axes.set_yticks(range(len(delay)), names)
    axes.set_title("Mean departure delay by carrier and month (minutes)")
    for (row, column), minutes in np.ndenumerate(delay.to_numpy()):
        axes.text(
            column, row, "" if np.isnan(minutes) else f"{minutes:.0f}", ha="center", va="center", fontsize=8
        )
    figure.colorbar(image, ax=axes, shrink=0.8)

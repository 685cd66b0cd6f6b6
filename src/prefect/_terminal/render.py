"""What the live view shows, as rows of text: nothing here knows of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._terminal.text import Look, cells, clean, duration, fit

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from prefect._terminal.tally import TaskTally

_SHOWN = (  # kind, word and colour; where a row is too narrow the later ones give way
    ("failed", "failed", "red"),
    ("crashed", "crashed", "red"),
    ("running", "running", "cyan"),
    ("cached", "cached", "blue"),
    ("cancelled", "cancelled", "yellow"),
    ("waiting", "waiting", "dim"),
)
_COUNTED = (("completed", "completed", "green"), *_SHOWN)
_COLOR_OF_STATE = {"Completed": "green", "Failed": "red", "Crashed": "red", "TimedOut": "red"}
_MIN_BAR, _MAX_BAR = 8, 30


class Heading(NamedTuple):
    """Which run is shown, and for how long it has lasted."""

    flow_run_id: str
    flow_run_name: str
    flow_name: str
    seconds: float
    others: int = 0  # flow runs that share the view


def rows(heading: Heading, tasks: Sequence[TaskTally], width: int, height: int, look: Look) -> list[str]:
    """At most `height` rows of at most `width` columns, the heading first."""
    if height < 1:
        return []
    shown = tasks if len(tasks) < height else _chosen(tasks, height - 2)
    name_width = min(max((cells(clean(task.name)) for task in shown), default=0), max(8, width * 3 // 10))
    lines = [_head(heading, width, look)]
    lines += [_task_row(task, name_width, width, look) for task in shown]
    if len(shown) < len(tasks):
        lines.append(_hidden_row(tasks, shown, width, look))
    return lines[:height]


def _chosen(tasks: Sequence[TaskTally], number: int) -> list[TaskTally]:
    """So many of the tasks: active before done ones, recent before old ones; in the order they have."""
    by_interest = sorted(tasks, key=lambda task: (task.active, task.changed), reverse=True)
    keep = {id(task) for task in by_interest[: max(number, 0)]}
    return [task for task in tasks if id(task) in keep]


def _head(heading: Heading, width: int, look: Look) -> str:
    rule = "─" if look.unicode else "-"
    others = f" and {heading.others:,} more" if heading.others else ""
    title = clean(f"{heading.flow_name} / {heading.flow_run_name}{others}")
    end = f" {duration(heading.seconds)} {rule * 2}"
    title = fit(title, min(cells(title), max(0, width - cells(end) - 5)))
    middle = rule * (width - cells(title) - cells(end) - 4)
    return (
        look.paint(f"{rule * 2} ", "dim") + look.paint(title, "bold") + look.paint(f" {middle}{end}", "dim")
    )


def _task_row(task: TaskTally, name_width: int, width: int, look: Look) -> str:
    left = f"  {fit(clean(task.name), name_width)}  "
    room = width - cells(left)
    count = f"{task.finished:,}/{task.total:,}" if task.expected else f"{task.counts['completed']:,} done"
    parts = [(count, "green" if not task.active else "bold")]
    room -= cells(count)
    for kind, word, color in _SHOWN:
        number = task.counts[kind]
        text = f"{number:,} {word}"
        if number and room >= cells(text) + 2:
            parts.append((text, color))
            room -= cells(text) + 2
    elapsed = duration(task.seconds)
    if room >= cells(elapsed) + 2:
        parts.append((elapsed, "dim"))
        room -= cells(elapsed) + 2
    bar = _bar(task, min(room - 2, _MAX_BAR), look) if task.expected and room - 2 >= _MIN_BAR else ""
    return left + bar + "  ".join(look.paint(text, style) for text, style in parts)


def _bar(task: TaskTally, width: int, look: Look) -> str:
    full, empty = ("━", "─") if look.unicode else ("#", ".")
    bad = task.counts["failed"] + task.counts["crashed"]
    done = width * task.finished // max(task.total, 1)
    red = min(done, -(-width * bad // max(task.total, 1)))
    return (
        look.paint(full * (done - red), "green")
        + look.paint(full * red, "red")
        + look.paint(empty * (width - done), "dim")
        + "  "
    )


def _hidden_row(tasks: Sequence[TaskTally], shown: Sequence[TaskTally], width: int, look: Look) -> str:
    keep = {id(task) for task in shown}
    hidden = [task for task in tasks if id(task) not in keep]
    bad = sum(task.counts["failed"] + task.counts["crashed"] for task in hidden)
    text = f"  and {len(hidden):,} more tasks"
    text += f", {bad:,} of their runs failed" if bad else ""
    return look.paint(fit(text, min(cells(text), width)), "dim")


def summary(heading: Heading, state_name: str, message: str | None, totals: Counter[str], look: Look) -> str:
    """What is said of a run at its end: a few lines, without a newline at the end."""
    name = look.paint(clean(heading.flow_run_name), "bold")
    lasted = duration(heading.seconds, tenths=True)
    state = look.paint(state_name, _COLOR_OF_STATE.get(state_name, "yellow"))
    lines = [f"{state}  {clean(heading.flow_name)} / {name} in {lasted}"]
    if message and state_name != "Completed":
        lines.append(f"  {clean(message.splitlines()[0])}")
    counted = [
        look.paint(f"{totals[kind]:,} {word}", color) for kind, word, color in _COUNTED if totals[kind]
    ]
    if counted:
        lines.append("  task runs: " + ", ".join(counted))
    lines.append(f"  more:  prefect flow-run inspect {heading.flow_run_id}")
    if state_name in {"Failed", "Crashed", "TimedOut"}:
        lines.append(f"  retry: prefect flow-run retry {heading.flow_run_id}")
    return "\n".join(lines)

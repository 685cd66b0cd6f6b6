"""Crash-test a flow: kill it at each commit point, resume it, and see whether anything was done twice or lost."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._base.faultpoint import POINTS
from prefect.testing import _ledger
from prefect.testing._victim import KILLED, End, Victim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prefect.flows import Flow
    from prefect.testing._ledger import Ledger

__all__ = ["CrashCase", "CrashReport", "crash_test"]

_COUNTS_PER_POINT = 3


class _Death(NamedTuple):
    """When a process is to die: at a fault point (`name:count`), or so many seconds after its start."""

    point: str | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return self.point or f"{self.seconds:.3f} s"


class _Undisturbed(NamedTuple):
    """What the flow does when nobody kills it."""

    counts: dict[str, int]
    seconds: float
    state: str


@dataclass
class CrashCase:
    """One death of the flow, and what came of it.

    Attributes:
        killed_at: the fault point and the count of its passing (`task_run.finished:3`), or the moment (`0.120 s`).
        killed: False where the run ended before that.
        found: the state of the flow run after the death, None where it was not on record yet.
        resumed: its state after it was resumed, None where there was nothing to resume.
        recorded: how many task runs had a recorded result.
        ran_again: the task runs among those that were run again.
        changed: runs that had ended and were changed by the resumption.
        inconsistent: rows that contradict themselves or another row.
        faults: all that is wrong, in words; empty when the flow went on as it should.
    """

    killed_at: str
    killed: bool = False
    found: str | None = None
    resumed: str | None = None
    recorded: int = 0
    ran_again: list[str] = field(default_factory=list[str])
    changed: list[str] = field(default_factory=list[str])
    inconsistent: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])


@dataclass
class CrashReport:
    """What a crash test has seen. `str(report)` is a table."""

    flow_name: str
    cases: list[CrashCase]

    @property
    def ok(self) -> bool:
        """Whether every case went on as it should."""
        return not any(case.faults for case in self.cases)

    def assert_ok(self) -> None:
        """Raise AssertionError, with the table, if any case did not go on as it should."""
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        bad = sum(1 for case in self.cases if case.faults)
        killed = sum(1 for case in self.cases if case.killed)
        title = f"Crash test of flow '{self.flow_name}': {killed} deaths in {len(self.cases)} cases, {bad} with faults"
        header = ("killed at", "found", "resumed", "recorded", "ran again")
        rows = [header, *(_cells(case) for case in self.cases)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = [title]
        for row, faults in zip(rows, [[], *(case.faults for case in self.cases)], strict=True):
            lines.append(
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
            lines += [f"    {fault}" for fault in faults]
        return "\n".join(lines)


def _cells(case: CrashCase) -> tuple[str, str, str, str, str]:
    killed_at = case.killed_at if case.killed else f"({case.killed_at}: ended before)"
    return (killed_at, case.found or "-", case.resumed or "-", str(case.recorded), str(len(case.ran_again)))


def crash_test(
    flow: Flow[..., Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    points: Iterable[str] | None = None,
    random_moments: int = 0,
    seed: int = 0,
) -> CrashReport:
    """Run a flow in processes that are killed, resume it in place, and report what went wrong.

    The flow runs once undisturbed, then once for each death: at the first, a middle and the last passing of every
    commit point, and at `random_moments` moments. A case takes about a second and has a PREFECT_HOME of its own;
    what the flow does elsewhere, it does every time.

    Args:
        flow: defined at the top level of a file.
        parameters: what it is called with; they must be picklable.
        points: the names of the commit points (of `prefect._base.faultpoint.POINTS`); None: all of them.
        random_moments: how many more deaths there are at random.
        seed: of those moments.

    Raises:
        ValueError: the flow is in no file, a point is unknown, or the flow does not complete undisturbed.
    """
    wanted = list(POINTS if points is None else points)
    unknown = sorted(set(wanted) - set(POINTS))
    if unknown:
        raise ValueError(f"Expected points among {', '.join(POINTS)}; got {', '.join(unknown)}.")
    command = _command(flow)
    with tempfile.TemporaryDirectory(prefix="prefect-crash-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        command.append(_write_parameters(folder, parameters or {}))
        usual = _undisturbed(Victim(command, folder / "undisturbed"), flow.name)
        deaths = [*_deaths_at(wanted, usual.counts), *_deaths_at_random(random_moments, seed, usual.seconds)]
        cases = [
            _case(Victim(command, folder / str(number)), flow.name, death, usual.state)
            for number, death in enumerate(deaths)
        ]
    return CrashReport(flow.name, cases)


def _command(flow: Flow[..., Any]) -> list[str]:
    entrypoint = flow.entrypoint
    if entrypoint is None or "<locals>" in entrypoint:
        raise ValueError(
            f"Expected a flow at the top level of a file, which another process can find; got '{flow.name}', "
            f"defined in {entrypoint or 'no file'}. Move it to the top level of a file."
        )
    return ["-m", "prefect.testing._crash_child", entrypoint]


def _write_parameters(folder: Path, parameters: Mapping[str, Any]) -> str:
    import cloudpickle  # 40 ms of import; parameters may be of classes that a script defines

    file = folder / "parameters"
    file.write_bytes(cloudpickle.dumps(dict(parameters)))
    return str(file)


def _undisturbed(victim: Victim, flow_name: str) -> _Undisturbed:
    """Run it without killing it: how often each point is passed, and how long it takes."""
    file = victim.home.parent / "counts"
    end = victim.run({"PLUPERFECT_FAULTPOINT_COUNTS": str(file)})
    root = _ledger.read(victim.home).root(flow_name)
    if root is None or root.state.type != "COMPLETED":
        state = "did not start" if root is None else f"ended {root.state.name}"
        raise ValueError(
            f"Expected flow '{flow_name}' to complete when nobody kills it; it {state}:\n{end.said}"
        )
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]  # one a process
    counts = {point: max(line[point] for line in lines) for point in POINTS}
    return _Undisturbed(counts, end.seconds, root.state.name)


def _deaths_at(points: Iterable[str], counts: Mapping[str, int]) -> Iterator[_Death]:
    """The first passing, the last, and what lies evenly between."""
    for point in points:
        passed, most = counts[point], _COUNTS_PER_POINT
        spread = (
            {1 + round(step * (passed - 1) / (most - 1)) for step in range(most)} if passed else set[int]()
        )
        for count in sorted(spread):
            yield _Death(point=f"{point}:{count}")


def _deaths_at_random(moments: int, seed: int, seconds: float) -> Iterator[_Death]:
    chance = random.Random(seed)
    for _ in range(moments):
        yield _Death(seconds=chance.uniform(0, seconds))


def _case(victim: Victim, flow_name: str, death: _Death, usual_state: str) -> CrashCase:
    """Kill it once, look, resume it, look again."""
    case = CrashCase(str(death))
    environment = {"PLUPERFECT_FAULTPOINT": death.point} if death.point else None
    case.killed = victim.run(environment, kill_after=death.seconds).code == KILLED
    before = _ledger.read(victim.home)
    _check(case, victim, before)
    root = before.root(flow_name)
    if root is not None:
        case.found = root.state.name
        case.recorded = len(before.recorded)
        if root.state.type == "CRASHED":
            _resume(case, victim, before, root.id, usual_state)
    case.faults += case.inconsistent
    return case


def _resume(case: CrashCase, victim: Victim, before: Ledger, run_id: bytes, usual_state: str) -> None:
    end = victim.retry(run_id)
    after = _ledger.read(victim.home)
    _check(case, victim, after)
    case.resumed = after.flow_runs[run_id].state.name
    if case.resumed != usual_state:
        case.faults.append(f"the resumed run ended {case.resumed}, not {usual_state}: {_last_line(end)}")
    for first, again, said in (
        (each.first, each.again, _why(each)) for each in _ledger.repeats(before, after)
    ):
        case.ran_again.append(again.name)
        case.faults.append(f"task run {first.name} had a recorded result and ran again as {again.name}{said}")
    case.changed = _ledger.changes_of_what_had_ended(before, after)
    case.faults += case.changed + _ledger.unfinished(after)


def _check(case: CrashCase, victim: Victim, ledger: Ledger) -> None:
    case.inconsistent += _ledger.file_faults(victim.home) + _ledger.inconsistencies(ledger)


def _why(repeat: _ledger.Repeat) -> str:
    if not repeat.inputs_changed:
        return ""
    return (
        ": it was called with other inputs than before (the flow does not repeat its calls in the same order)"
    )


def _last_line(end: End) -> str:
    return next((line for line in reversed(end.said.splitlines()) if line.strip()), "it said nothing")

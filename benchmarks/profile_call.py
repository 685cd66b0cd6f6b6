"""Where the microseconds of one task call go: each stage by itself, many times, and the call as a whole.

    python benchmarks/profile_call.py [--calls 20000]

No profiler is involved: it would cost more than what it measures. The stages are the engine's own functions,
called as the engine calls them, inside a running flow. Below the line stands what the writer thread spends on
the row: a caller that waits for something else does not notice it, a busy one shares the interpreter lock.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

HOME = tempfile.TemporaryDirectory()
os.environ["PREFECT_HOME"] = HOME.name  # before prefect reads its settings

from prefect import flow, task  # noqa: E402
from prefect._base.drive import drive  # noqa: E402
from prefect._base.ids import new_id  # noqa: E402
from prefect._engine import replay  # noqa: E402
from prefect._engine.effects import Call  # noqa: E402
from prefect._engine.flow_call import FlowCall  # noqa: E402
from prefect._engine.task_call import TaskCall  # noqa: E402
from prefect._storage import task_runs  # noqa: E402
from prefect.context import EngineContext  # noqa: E402

Stage = tuple[str, Callable[[TaskCall], object]]


@task
def add(number: int, other: int) -> int:
    """Hardly anything, with arguments and a result like those of real tasks."""
    return number + other


def one_effect():
    """A run that does nothing but call the function."""
    yield Call(add.fn, (1, 2))


def new_call(run: FlowCall) -> TaskCall:
    """The run of a call; marked as queued, so that its transitions stay out of the journal."""
    parameters = {"number": 1, "other": 2}
    call = TaskCall(add, parameters, (1, 2), {}, flow=run, parent=None, backend=run.backend)
    call.queued = True
    return call


def stages(run: FlowCall) -> list[Stage]:
    """The stages of a direct call in the order they happen. An indented one is part of the one above it."""
    return [
        ("bind the arguments", lambda _: add.binder.bind((1, 2), {})),
        ("a new run: its name, options, columns", lambda _: new_call(run)),
        ("  its id", lambda _: new_id()),
        ("look into the arguments", lambda call: call.track_inputs()),
        ("enter Running", lambda call: call.transition("RUNNING", "Running")),
        ("drive one effect", lambda _: drive(one_effect())),
        ("  the user's function", lambda _: add.fn(1, 2)),
        ("serialize the result", lambda _: replay.encode(3, 65_536, "add")),
        ("hash the inputs", lambda call: replay.digest_of(call.parameters)),
        ("remember whose result it is", lambda call: run.lineage.remember(3_000_000, call.id)),
        ("enter Completed", lambda call: call.transition("COMPLETED", "Completed")),
        ("give the answer", lambda call: call.answer()),
    ]


def microseconds(function: Callable[[TaskCall], object], calls: list[TaskCall]) -> float:
    """The function on one call: the best of five runs, each over a fifth of the calls."""
    fifth = len(calls) // 5
    best = float("inf")
    for first in range(0, fifth * 5, fifth):
        some = calls[first : first + fifth]
        started = time.perf_counter()
        for call in some:
            function(call)
        best = min(best, (time.perf_counter() - started) / fifth)
    return best * 1e6


def write_rows(run: FlowCall, calls: list[TaskCall]) -> float:
    """Microseconds that the writer spends on one row: all of them in one transaction, commit and all."""
    started = time.perf_counter()
    with run.backend.journal.transaction() as cx:
        task_runs.upsert(cx, [call.fixed + call.now for call in calls])
    return (time.perf_counter() - started) / len(calls) * 1e6


@flow
def profile(count: int) -> None:
    run = EngineContext.get()
    calls = [new_call(run) for _ in range(count)]
    whole = microseconds(lambda _: add(1, 2), calls)
    run.backend.journal.commit()  # the writer has nothing left to do: it would take its share of the stages
    explained = 0.0
    for name, stage in stages(run):
        cost = microseconds(stage, calls)
        explained += 0 if name.startswith(" ") else cost
        print(f"{cost:8.2f} us  {name}")
    print(
        f"{whole - explained:8.2f} us  the rest: journal, generator, contexts, the writer at work meanwhile"
    )
    print(f"{whole:8.2f} us  the whole call")
    print(f"---\n{write_rows(run, calls):8.2f} us  the writer's work on the row, in its own thread")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=20_000)
    profile(parser.parse_args().calls)
    HOME.cleanup()

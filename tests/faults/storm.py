"""A storm: processes with many flows, faults at regular times while they run, and what must be on record after it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from faults import invariants
from faults.outage import PROGRAMS, wait_for
from prefect._storage.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


class Size(NamedTuple):
    """Of a storm: processes, flows in each, steps in each flow, the seconds of a step."""

    processes: int
    flows: int
    tasks: int
    seconds: float


SMALL = Size(1, 4, 26, 0.1)
FULL = Size(5, 10, 100, 0.4)


class Storm:
    """The processes of a storm, each of which has a flow that runs. Their words go to files: a pipe would be full."""

    def __init__(
        self, size: Size, folder: Path, environment: Mapping[str, str], prefix: Sequence[str] = ()
    ) -> None:
        self.size = size
        folder.mkdir(parents=True, exist_ok=True)
        self._words = [folder / f"words-{n}" for n in range(size.processes)]
        self.processes: list[subprocess.Popen[str]] = []
        self.began = time.monotonic()
        for n, words in enumerate(self._words):
            numbers = (n * size.flows, size.flows, size.tasks, size.seconds)
            program = [*prefix, sys.executable, str(PROGRAMS / "storm.py"), *map(str, numbers)]
            with words.open("w") as said:
                self.processes.append(
                    subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=said, text=True)
                )
        for process in self.processes:
            wait_for(process.stdout, "started")

    def is_over(self, seconds: float = 0) -> bool:
        """Whether every process has ended, waiting for that so long."""
        deadline = time.monotonic() + seconds
        for process in self.processes:
            try:
                process.wait(max(0.001, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
        return True

    def strike(self, fault: Callable[[], None], *, every: float, most: int) -> int:
        """Have a fault happen every so many seconds while the storm lasts, at most so often; how often it was."""
        strikes = 0
        while strikes < most and not self.is_over(every):
            fault()
            strikes += 1
        return strikes

    def end(self, seconds: float = 150) -> float:
        """Wait until every flow has ended well; how many seconds that took from the beginning."""
        over = self.is_over(seconds)
        said = "\n".join(words.read_text() for words in self._words)
        assert over, f"the flows have not ended after {seconds:.0f} s:\n{said[-4000:]}"
        assert [process.returncode for process in self.processes] == [0] * self.size.processes, said[-4000:]
        return time.monotonic() - self.began

    def kill(self) -> None:
        """Leave nothing behind."""
        for process in self.processes:
            process.kill()
            process.communicate(timeout=30)


@contextmanager
def storm(
    size: Size, folder: Path, environment: Mapping[str, str], prefix: Sequence[str] = ()
) -> Iterator[Storm]:
    """A storm of this test alone."""
    made = Storm(size, folder, environment, prefix)
    try:
        yield made
    finally:
        made.kill()


def check_all_on_record(url: str, size: Size, watch: invariants.Watch | None = None) -> None:
    """Every flow, step and line of a storm is on record, once, and has ended well; and what always holds does."""
    ledger = invariants.check(url, watch)
    flows, parts = size.processes * size.flows, size.tasks // 25
    found = Counter((run.flow_name, run.state.type) for run in ledger.flow_runs.values())
    assert found == Counter({("storm", "COMPLETED"): flows, ("part", "COMPLETED"): flows * parts})
    numbers = [run.parameters["number"] for run in ledger.flow_runs.values() if run.flow_name == "storm"]
    assert sorted(numbers) == list(range(flows))
    assert Counter(run.state_type for run in ledger.task_runs.values()) == {
        "COMPLETED": flows * (size.tasks + parts)
    }
    with closing(open_store(url)) as store:
        lines = store.rows("SELECT task_run_id FROM log WHERE message LIKE 'step %'")
    assert len(lines) == len(set(lines)) == flows * size.tasks


def figures(name: str, **numbers: object) -> None:
    """Say what a fault came to; shown with `pytest -rP`."""
    print(f"{name}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in numbers.items()))

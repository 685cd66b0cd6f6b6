"""The pipeline in a process of its own, killed and resumed; what must hold is what `prefect.testing` asks of users' flows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prefect.model.records import FlowRunRecord
from prefect.testing import _ledger
from prefect.testing._ledger import Ledger
from prefect.testing._victim import End, Victim

PIPELINE = Path(__file__).parent / "programs" / "pipeline.py"


class Wreck:
    """The pipeline, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        self.victim = Victim([str(PIPELINE)], folder, {"NOTES": str(self.notes)})

    def run(self, **environment: str) -> int:
        """Run the pipeline to its end, whatever that is; its exit code."""
        return self.victim.run(environment).code

    def run_for(self, seconds: float) -> End:
        """Run the pipeline and kill it that long after it has begun, unless it has ended."""
        return self.victim.run(kill_after=seconds)

    def retry(self, run_id: bytes) -> int:
        """Resume the run by the command line; its exit code."""
        return self.victim.retry(run_id).code

    def retry_for(self, run_id: bytes, seconds: float) -> int:
        """Resume the run and kill it that long after the command has been started; its exit code."""
        return self.victim.retry(run_id, kill_after=seconds).code

    def ask(self, *arguments: str) -> str:
        """What the command line answers."""
        return subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            env=self.victim.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def lines(self) -> list[str]:
        """What the pipeline has noted so far."""
        return self.notes.read_text().splitlines()

    def ledger(self) -> Ledger:
        """What is on record now; it is sound and agrees with itself."""
        assert _ledger.file_faults(self.victim.home) == []
        ledger = _ledger.read(self.victim.home)
        assert _ledger.inconsistencies(ledger) == []
        return ledger


def root_of(ledger: Ledger) -> FlowRunRecord | None:
    """The one run of the pipeline: a resumed run is the same run."""
    assert sum(run.flow_name == "pipeline" for run in ledger.flow_runs.values()) <= 1
    return ledger.root("pipeline")

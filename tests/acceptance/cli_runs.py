"""Flow runs for tests of the command line: a script with flows, and runs of them in any state."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prefect._backend.protocol import NewFlowRun
from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.flows import load_flow_from_entrypoint
from prefect.model.records import StateRecord
from prefect.testing.cli import CycloptsCliRunner, CycloptsResult

SCRIPT = """
import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from prefect import flow, get_run_logger, task


@dataclass
class Point:
    x: int


@task
def extract(n):
    with open("ran.txt", "a") as ran:
        ran.write(f"extract {n}\\n")
    get_run_logger().info("extracting %s", n)
    return n * 2


@task
def load(n):
    if Path("bad").exists():
        raise ValueError(f"bad row {n}")
    return n


@flow
def child(n: int = 7):
    return load(extract(n))


@flow
def etl(n: int = 2):
    return sum(load(extract(i)) for i in range(n))


@flow
def family(n: int = 1):
    child(n)
    return etl(n)


@flow
async def later(n: int = 2):
    await asyncio.sleep(0)
    return [load(extract(i)) for i in range(n)]


@flow
def stream(n: int = 2):
    for i in range(n):
        yield load(extract(i))


@flow
def pointed(point: Point):
    return load(extract(point.x))


@flow
def handed(connection):
    raise ValueError("it was closed")


@flow
def waits(deaf: bool = False):
    Path("waits.pid").write_text(str(os.getpid()))
    print("waiting", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            if not deaf:
                raise


if __name__ == "__main__":
    if "deaf" in sys.argv:
        waits(deaf=True)
    elif "waits" in sys.argv:
        waits()
    else:
        pointed(Point(3))
"""


class Workshop:
    """A folder with the script in it, which is the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "flows.py"
        self.script.write_text(SCRIPT)

    def run(self, name: str, *args, **kwargs):
        """Call a flow here; the record of its run."""
        called = load_flow_from_entrypoint(f"{self.script}:{name}")
        called(*args, **kwargs, return_state=True)
        return newest(called.name)

    def fail(self, name: str, *args, **kwargs):
        """The same, where `load` fails; afterwards nothing stands in its way."""
        (self.folder / "bad").touch()
        try:
            return self.run(name, *args, **kwargs)
        finally:
            (self.folder / "bad").unlink()

    def ran(self) -> list[str]:
        """Which extracts have run, and no more since."""
        ran = self.folder / "ran.txt"
        lines = ran.read_text().split("\n")[:-1] if ran.exists() else []
        ran.unlink(missing_ok=True)
        return lines

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Run the script in a process of its own, until it says that it waits."""
        process = subprocess.Popen(
            [sys.executable, str(self.script), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        return process


def prefect(*words: str, code: int | None = 0, typed: str | None = None) -> CycloptsResult:
    """Run a command line in this process."""
    result = CycloptsCliRunner().invoke(list(words), typed)
    if result.exception is not None:
        raise result.exception
    assert code is None or result.exit_code == code, result.output
    return result


def newest(flow_name: str):
    """The run of the flow that was created last."""
    return backend().find_flow_runs(flow_names=[flow_name], limit=1)[0]


def made(state_type: str, name: str | None = None, *, message=None, details=None, flow="made", **more):
    """A run that nobody executes, in the state."""
    state = StateRecord(new_id(), state_type, name or state_type.title(), now_us(), message, None, details)
    new = NewFlowRun(
        id=new_id(), flow_name=flow, name=f"made-{new_id()[-4:].hex()}", state=state, parameters={}, **more
    )
    return backend().create_flow_run(new, executes=False)

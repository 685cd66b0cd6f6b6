"""A runner's children for tests: flows in a file, runs of them, and what becomes of them."""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect._backend.protocol import NewFlowRun
from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.model.records import FlowRunRecord, StateRecord
from prefect.runner._children import Child, Children, Ending, Source

FLOWS = """
import os, random, signal, subprocess, sys, threading, uuid
from prefect import flow, get_run_logger, task
from prefect._base.ids import new_id

before = set()
os.register_at_fork(after_in_child=lambda: before.update(sys.modules))


@task
def double(n):
    return 2 * n


@flow
def plain(n: int = 1):
    print("double", double(n))


@flow
def where():
    print("group", os.getpid() == os.getpgid(0) == os.getsid(0))
    print("stdin", repr(sys.stdin.read()))
    print("folder", os.getcwd())
    print("variable", os.environ.get("OF_THE_TEST"))
    print("warm", "prefect.runner._forkserver" in sys.modules)
    print("blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            print("fd", os.readlink(f"/proc/self/fd/{fd}").partition(":")[0])
        except OSError:
            pass


@flow
def imports():
    print("imported", sorted(set(sys.modules) - before))


@flow
def chance():
    print(random.random(), uuid.uuid4(), new_id().hex(), os.urandom(4).hex())


@flow
def numbers():
    import numpy
    print(numpy.random.random())


@flow
def dies(by: int = 9):
    print("last words")
    os.kill(os.getpid(), by)


@flow
def eats():
    kept = bytearray(400_000_000)
    kept[::4096] = b"x" * len(kept[::4096])


@flow
def leaves(code: int = 3):
    os._exit(code)


@flow
def waits(fifo: str):
    with open(fifo, "w"):
        print("waiting")
        threading.Event().wait()


@flow
def deaf(fifo: str):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sh", "-c", f"exec 3>{fifo}; echo grandchild; sleep 600"])
    threading.Event().wait()


@flow
def spawns():
    print("pid", subprocess.Popen(["sleep", "600"]).pid)


@flow
def talks(lines: int = 20_000):
    for n in range(lines):
        print("line", n)


@flow
def odd():
    sys.stdout.flush()
    os.write(1, b"a\\r\\n\\xff\\nx" + b"y" * 70_000 + b"\\nend")


@flow
def says():
    print("printed")
    get_run_logger().info("logged")
    subprocess.run(["echo", "echoed"])


@flow(log_prints=True)
def logs():
    print("printed")


@flow
def fails():
    raise ValueError("bad")


@flow
def outlives(fifo: str):
    out = open(fifo, "w")
    globals()["kept"] = out
    open(fifo + ".go").read()
    for n in range(20_000):
        print("to nobody", n)


@flow
async def later():
    print("later")


@flow
def stream():
    yield 1
    print("streamed")
"""


def new_run(flow: str, state: str = "PENDING", **parameters: Any) -> UUID:
    """A run that waits for somebody to take it up."""
    run_id = new_id()
    name = state.capitalize()
    backend().create_flow_run(
        NewFlowRun(
            id=run_id,
            flow_name=flow,
            name=f"{flow}-{run_id.hex()[-6:]}",
            state=StateRecord(new_id(), state, name, now_us()),
            parameters=parameters,
        ),
        executes=False,
    )
    return UUID(bytes=run_id)


def record_of(run_id: UUID) -> FlowRunRecord:
    return backend().read_flow_run(run_id.bytes)


class Nursery:
    """Children, what they have written, and how they ended."""

    def __init__(self) -> None:
        self.written: dict[UUID, list[str]] = defaultdict(list)
        self.endings: dict[UUID, Ending] = {}
        self._news: queue.SimpleQueue[tuple[UUID, str | None]] = queue.SimpleQueue()
        self.at_end: Any = None
        self.children = Children(self._hear, self._see)

    def _hear(self, child: Child, line: str) -> None:
        self.written[child.run_id].append(line)
        self._news.put((child.run_id, line))

    def _see(self, child: Child, ending: Ending) -> None:
        assert child.run_id not in self.endings
        self.endings[child.run_id] = ending
        if self.at_end is not None:
            self.at_end(child)
        self._news.put((child.run_id, None))

    def wait_for(self, run_id: UUID, line: str) -> None:
        """Until the child of the run has written the line."""
        while line not in self.written[run_id]:
            self._news.get(timeout=30)

    def end_of(self, run_id: UUID) -> Ending:
        while run_id not in self.endings:
            self._news.get(timeout=30)
        return self.endings[run_id]

    def execute(
        self, folder: Path, flow: str, *, file: str = "flows.py", start: Any = None, **parameters: Any
    ):
        """Execute a run of the flow to its end; the run, how its process ended, and its lines."""
        run_id = new_run(flow, **parameters)
        self.children.start(run_id, Source(f"{file}:{flow}", folder), **(start or {}))
        ending = self.end_of(run_id)
        return record_of(run_id), ending, self.written[run_id]


@contextmanager
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.children.close()

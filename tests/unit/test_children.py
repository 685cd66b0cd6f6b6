"""Runs in child processes: how they start, what they write, how their end is known. Every process is real."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from children import FLOWS, Nursery, new_run, nursery, record_of

from prefect._backend.resolve import backend
from prefect.runner._children import Children, Source
from prefect.runner._endings import OutOfMemory, ending_of
from prefect.settings import temporary_settings

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fork servers are for Linux")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    (made / "flows.py").write_text(FLOWS)
    return made


@pytest.fixture(scope="module")
def warm(folder: Path) -> Iterator[Nursery]:
    with nursery() as made:
        made.children.warm(Source("flows.py:plain", folder))
        yield made


@pytest.fixture(params=["warm", "cold"])
def either(request: pytest.FixtureRequest, warm: Nursery) -> Iterator[Nursery]:
    """Children of a fork server, then programs of their own."""
    if request.param == "warm":
        yield warm
        return
    with temporary_settings({"PREFECT_RUNNER_FORK_SERVER": False}), nursery() as made:
        yield made


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A pipe by name: its reader hears when the last process that holds it open is gone."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


class TestARun:
    def test_it_completes_and_its_output_is_heard(self, either, folder):
        run, ending, lines = either.execute(folder, "plain", n=4)
        assert (run.state.type, run.attempt) == ("COMPLETED", 1)
        assert (ending.exit_code, ending.signal, ending.cause) == (0, None, None)
        assert lines == ["double 8"]
        assert ending.peak_memory > 5_000_000

    @pytest.mark.parametrize(("flow", "line"), [("later", "later"), ("stream", "streamed")])
    def test_every_kind_of_flow(self, warm, folder, flow, line):
        run, ending, lines = warm.execute(folder, flow)
        assert (run.state.name, ending.cause, lines) == ("Completed", None, [line])

    def test_a_failure_is_reported_by_the_child_itself(self, either, folder):
        run, ending, _ = either.execute(folder, "fails")
        assert run.state.name == "Failed"
        assert (ending.exit_code, ending.cause) == (1, None)

    def test_it_stands_on_its_own(self, either, folder):
        is_warm = not os.environ.get("x") and either.children._warm != {}
        _, _, lines = either.execute(folder, "where", start={"env": {"OF_THE_TEST": "here"}})
        streams = [line for line in lines if line.startswith("fd ")]
        others = [line for line in lines if not line.startswith("fd ")]
        assert others == [
            "group True",
            "stdin ''",
            f"folder {folder}",
            "variable here",
            f"warm {is_warm}",
            "blocked []",
        ]
        assert "fd socket" not in streams
        assert streams.count("fd pipe") == 3, "its stdout, its stderr, and its word for the runner"

    def test_a_fork_imports_nothing_on_its_way(self, warm, folder):
        _, _, lines = warm.execute(folder, "imports")
        assert lines == ["imported []"]

    def test_chance_begins_anew(self, warm, folder):
        drawn = [warm.execute(folder, "chance")[2][0].split() for _ in range(3)]
        for values in zip(*drawn, strict=True):
            assert len(set(values)) == 3

    @pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed here")
    def test_chance_in_numpy_begins_anew_and_its_threads_do_not_make_it_cold(self, folder):
        file = folder / "arrays.py"
        file.write_text(
            "import sys, numpy\nfrom prefect import flow\n"
            "numpy.ones((300, 300)) @ numpy.ones((300, 300))\n"
            "@flow\ndef draw():\n    print(numpy.random.random(), 'prefect.runner._forkserver' in sys.modules)\n"
        )
        with nursery() as made:
            drawn = [made.execute(folder, "draw", file="arrays.py")[2][0].split() for _ in range(2)]
        assert drawn[0][0] != drawn[1][0]
        assert [each[1] for each in drawn] == ["True", "True"]

    def test_a_command_of_ones_own(self, warm, folder, tmp_path):
        run_id = new_run("plain")
        command = "sh -c 'echo $PREFECT__FLOW_RUN_ID; pwd; exit 4'"
        warm.children.start(run_id, Source("flows.py:plain", folder), command=command, working_dir=tmp_path)
        assert warm.end_of(run_id).exit_code == 4
        assert "exit code 4" in warm.endings[run_id].cause
        assert warm.written[run_id] == [str(run_id), str(tmp_path)]

    def test_a_command_that_does_not_exist(self, warm, folder):
        _, ending, _ = warm.execute(folder, "plain", start={"command": "no-such-program"})
        assert "could not be set up" in ending.cause
        assert "No such file" in ending.cause


class TestOutput:
    def test_lines_come_whole(self, warm, folder):
        _, _, lines = warm.execute(folder, "odd")
        assert lines[:2] == ["a", "\N{REPLACEMENT CHARACTER}"]
        assert [len(line) for line in lines[2:]] == [65_536, 70_001 - 65_536, 3]

    def test_none_is_lost(self, warm, folder):
        _, _, lines = warm.execute(folder, "talks")
        assert lines == [f"line {n}" for n in range(20_000)]

    def test_what_is_logged_is_not_written_too(self, either, folder):
        run, _, lines = either.execute(folder, "says")
        assert lines == ["printed", "echoed"]
        stored = [line.message for line in backend().find_logs(flow_run_id=run.id)]
        assert stored.count("logged") == 1

    def test_what_is_printed_to_the_log_is_not_written_too(self, either, folder):
        run, _, lines = either.execute(folder, "logs")
        assert lines == []
        assert [line.message for line in backend().find_logs(flow_run_id=run.id)].count("printed") == 1

    def test_a_process_that_is_left_behind_does_not_keep_the_end_waiting(self, either, folder):
        run, ending, lines = either.execute(folder, "spawns")
        os.kill(int(lines[0].split()[1]), signal.SIGKILL)
        assert (run.state.name, ending.cause) == ("Completed", None)


class TestDeath:
    def test_by_a_signal(self, either, folder):
        run, ending, lines = either.execute(folder, "dies")
        assert lines == ["last words"]
        assert (ending.exit_code, ending.signal) == (None, signal.SIGKILL)
        assert "killed by SIGKILL" in ending.cause
        assert "MB" in ending.cause
        assert run.state.type == "RUNNING", "what becomes of it is the runner's to say"

    def test_by_an_exit(self, either, folder):
        _, ending, _ = either.execute(folder, "leaves")
        assert (ending.exit_code, ending.signal) == (3, None)
        assert "exit code 3" in ending.cause

    def test_sigterm_is_reported_by_the_child(self, either, folder, fifo):
        run_id = new_run("waits", fifo=str(fifo))
        child = either.children.start(run_id, Source("flows.py:waits", folder))
        with fifo.open():
            either.wait_for(run_id, "waiting")
        child.terminate()
        ending = either.end_of(run_id)
        assert (ending.signal, ending.cause) == (signal.SIGTERM, None)
        assert record_of(run_id).state.name == "Crashed"
        child.terminate()
        child.kill()

    def test_kill_ends_all_of_its_group(self, either, folder, fifo):
        run_id = new_run("deaf", fifo=str(fifo))
        child = either.children.start(run_id, Source("flows.py:deaf", folder))
        with fifo.open() as held:
            either.wait_for(run_id, "grandchild")
            child.terminate()
            child.kill()
            assert held.read() == ""
        assert either.end_of(run_id).signal == signal.SIGKILL

    def test_what_a_killed_child_has_started_dies_with_it(self, warm, folder, fifo):
        run_id = new_run("deaf", fifo=str(fifo))
        child = warm.children.start(run_id, Source("flows.py:deaf", folder))
        with fifo.open() as held:
            warm.wait_for(run_id, "grandchild")
            os.kill(child.pid, signal.SIGKILL)
            assert held.read() == ""

    def test_its_fork_server_is_killed(self, folder, fifo):
        with nursery() as made:
            run_id = new_run("outlives", fifo=str(fifo))
            go = Path(f"{fifo}.go")
            os.mkfifo(go)
            made.children.start(run_id, Source("flows.py:outlives", folder))
            with fifo.open():
                os.kill(made.children._warm[next(iter(made.children._warm))].pid, signal.SIGKILL)
                go.write_text("go")
                ending = made.end_of(run_id)
            assert (ending.exit_code, ending.signal, ending.cause) == (None, None, None)
            assert record_of(run_id).state.name == "Completed"
            assert len(made.written[run_id]) == 20_000
            assert made.execute(folder, "plain")[0].state.name == "Completed"

    def test_its_runner_is_killed(self, folder, fifo):
        run_id = new_run("outlives", fifo=str(fifo))
        go = Path(f"{fifo}.go")
        os.mkfifo(go)
        script = (
            "import os, sys, uuid, pathlib\nfrom prefect.runner._children import Children, Source\n"
            "made = Children(print, print)\n"
            f"made.start(uuid.UUID('{run_id}'), Source('flows.py:outlives', pathlib.Path({str(folder)!r})))\n"
            f"open({str(fifo)!r}).close()\nos.kill(os.getpid(), 9)\n"
        )
        with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as held:
            ended = subprocess.run([sys.executable, "-c", script], timeout=60)
            assert ended.returncode == -signal.SIGKILL
            go.write_text("go")
            os.set_blocking(held.fileno(), True)
            assert held.read() == ""
        assert record_of(run_id).state.name == "Completed"

    def test_for_want_of_memory(self, folder):
        """The kernel ends a child that takes more than its control group has."""
        group = Path("/sys/fs/cgroup/memory") / f"prefect-{os.getpid()}"
        if not (group.parent / "memory.limit_in_bytes").exists() or not os.access(group.parent, os.W_OK):
            pytest.skip("no control group of version 1 can be made here")
        group.mkdir()
        try:
            (group / "memory.limit_in_bytes").write_text("150000000")
            ended = subprocess.run(
                [sys.executable, "-c", EATEN.format(group=group, run_id=new_run("eats"), folder=folder)],
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            group.rmdir()
        assert "killed by SIGKILL: the kernel ended it for want of memory" in ended.stdout, ended.stderr
        assert "used up to 1" in ended.stdout, "which was over 100 MB"


EATEN = """
import os, pathlib, threading, uuid
from prefect.runner._children import Children, Source
pathlib.Path("{group}/cgroup.procs").write_text(str(os.getpid()))
ended = threading.Event()
made = Children(print, lambda _, ending: (print(ending.cause), ended.set()))
made.start(uuid.UUID("{run_id}"), Source("flows.py:eats", pathlib.Path("{folder}")))
assert ended.wait(30)
made.close()
"""


class TestSource:
    def test_a_changed_file_is_noticed(self, warm, folder):
        file = folder / "changing.py"
        text = "from prefect import flow\n@flow\ndef shows():\n    print({!r})\n"
        seen = []
        for version in ("one", "two", "three and more"):
            file.write_text(text.format(version))
            seen += warm.execute(folder, "shows", file="changing.py")[2]
        assert seen == ["one", "two", "three and more"]

    def test_a_changed_neighbour_is_noticed(self, warm, folder):
        (folder / "uses.py").write_text(
            "from prefect import flow\nimport used\n@flow\ndef shows():\n    print(used.value)\n"
        )
        seen = []
        for version in (1, 22):
            (folder / "used.py").write_text(f"value = {version}\n")
            seen += warm.execute(folder, "shows", file="uses.py")[2]
        assert seen == ["1", "22"]

    def test_one_that_starts_threads_starts_cold(self, warm, folder):
        (folder / "threads.py").write_text(
            "import sys, threading\nfrom prefect import flow\n"
            "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
            "@flow\ndef shows():\n    print('prefect.runner._forkserver' in sys.modules)\n"
        )
        for _ in range(2):
            run, ending, lines = warm.execute(folder, "shows", file="threads.py")
            assert (run.state.name, ending.cause, lines) == ("Completed", None, ["False"])

    @pytest.mark.parametrize(
        "text", ["raise ValueError('no such warehouse')", "import sys; sys.exit('no such warehouse')"]
    )
    def test_one_that_cannot_be_imported(self, either, folder, text):
        (folder / "broken.py").write_text(text)
        run, ending, lines = either.execute(folder, "shows", file="broken.py")
        assert ending.exit_code == 1
        assert "no such warehouse" in ending.cause
        assert "no such warehouse" in lines[-1]
        assert (run.state.name, run.owner) == ("Pending", None)

    def test_one_that_is_mended_is_warm_again(self, warm, folder):
        file = folder / "mended.py"
        file.write_text("raise ValueError")
        assert warm.execute(folder, "shows", file="mended.py")[1].cause
        file.write_text(
            "import sys\nfrom prefect import flow\n"
            "@flow\ndef shows():\n    print('prefect.runner._forkserver' in sys.modules)\n"
        )
        assert warm.execute(folder, "shows", file="mended.py")[2] == ["True"]

    def test_one_without_that_flow(self, either, folder):
        _, ending, _ = either.execute(folder, "missing")
        assert "'missing' at the top level" in ending.cause

    def test_parameters_that_do_not_fit(self, either, folder):
        _, ending, _ = either.execute(folder, "plain", m=1)
        assert "do not fit the flow 'plain'" in ending.cause

    def test_the_environment_of_the_time_counts(self, warm, folder):
        with temporary_settings({"PREFECT_LOGGING_LOG_PRINTS": True}):
            run, _, lines = warm.execute(folder, "plain")
        assert lines == []
        assert "double 2" in [line.message for line in backend().find_logs(flow_run_id=run.id)]


class TestHousekeeping:
    @pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.slow)])
    def test_nothing_is_left_of_many_children(self, warm, folder, count):
        warm.execute(folder, "plain")
        link = next(link for link in warm.children._links if link is warm.children._warm.get(_key(folder)))
        before = _open_files(os.getpid()), _open_files(link.pid)
        for _ in range(count // 10):
            runs = [new_run("plain") for _ in range(10)]
            for run_id in runs:
                warm.children.start(run_id, Source("flows.py:plain", folder))
            for run_id in runs:
                assert warm.end_of(run_id).cause is None
        warm.execute(folder, "plain")
        assert (_open_files(os.getpid()), _open_files(link.pid)) == before
        assert Path(f"/proc/{link.pid}/task/{link.pid}/children").read_text() == ""

    def test_the_end_of_one_starts_the_next(self, folder):
        runs = [new_run("plain") for _ in range(3)]
        source = Source("flows.py:plain", folder)
        with nursery() as made:
            left = iter(runs[1:])
            made.at_end = lambda _: [made.children.start(each, source) for each in left][:0]
            made.children.start(runs[0], source)
            assert [made.end_of(run_id).cause for run_id in runs] == [None] * 3

    def test_nothing_starts_once_it_is_closed(self, folder):
        children = Children(print, print)
        children.close()
        children.close()
        with pytest.raises(RuntimeError, match="closed"):
            children.start(UUID(int=1), Source("flows.py:plain", folder))


def _key(folder: Path) -> tuple[str, str]:
    return "flows.py", str(folder)


def _open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


class TestCause:
    """The kernel's kills for want of memory are known by a count; the rest of an ending by real processes above."""

    def test_a_kill_that_the_kernel_has_counted(self):
        counts = iter([3, 3, 4])
        memory = OutOfMemory(lambda: next(counts))
        memory.begin()
        ending = ending_of(signal.SIGKILL, 812_000_000, b"", memory)
        assert ending.cause == (
            "The process of the run was killed by SIGKILL: the kernel ended it for want of memory in its control "
            "group (OOM); it had used up to 812 MB."
        )

    def test_one_that_it_has_not(self):
        counted = [3, 4, 4]
        memory = OutOfMemory(lambda: counted[0])
        assert not memory.is_blamed()
        del counted[0]
        assert memory.is_blamed()
        assert not memory.is_blamed(), "the one that was counted has been found already"

    def test_no_count(self):
        assert not OutOfMemory(lambda: None).is_blamed()

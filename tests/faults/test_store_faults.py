"""What the machine does to a store: a full disk, a folder that cannot be written, a fork, a race for a new file.

Each is said in clear words, and nothing that was reported as recorded is lost.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "writer.py"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def environment(home, **more):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**inherited, "PREFECT_HOME": str(home), **more}


def start(home, *words, more=None, **options):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        env=environment(home, **(more or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(home, *words, more=None, **options):
    """Run the program; what it said on stdout and on stderr, and its exit code."""
    with start(home, *words, more=more, **options) as process:
        out, err = process.communicate(timeout=120)
    return out.splitlines(), err, process.returncode


def recorded(home):
    """The parameter `n` of every flow run on record as Completed; the file is sound."""
    with closing(sqlite3.connect(home / "pluperfect.db")) as cx:
        assert cx.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        query = "SELECT json_extract(parameters, '$.n') FROM flow_run WHERE state_type = 'COMPLETED'"
        return {n for (n,) in cx.execute(query)}


def said_recorded(lines):
    return {int(line.split()[1]) for line in lines if line.startswith("recorded")}


def assert_full(lines, err):
    (refusal,) = [line for line in lines if line.startswith("refused")]
    assert "pluperfect.db" in refusal
    assert "everything committed before is safe" in refusal
    assert "Traceback" not in err, err


# --- a full disk ------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow_loses_nothing_that_was_recorded(home):
    lines, err, _ = run(home, "flows", "400", "50000", more={"BYTES_LIMIT": "2000000"})
    assert_full(lines, err)
    said = said_recorded(lines)
    assert len(said) > 5
    assert said <= recorded(home)


def test_a_process_goes_on_once_there_is_room_again(home):
    lines, _, code = run(home, "flows", "400", "50000", more={"BYTES_LIMIT": "2000000", "AND_THEN_ROOM": "1"})
    assert (lines[-1], code) == ("recorded 1000000", 0)
    assert said_recorded(lines) <= recorded(home)


@contextmanager
def small_disk(folder, size):
    """A file system of that size, mounted on the folder."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if (
        os.geteuid() != 0
        or not shutil.which("mount")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("a small file system can be mounted only by root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_that_was_recorded(home):
    with small_disk(home, "3m"):
        lines, err, _ = run(home, "flows", "400", "50000")
        assert_full(lines, err)
        assert any("disk is full" in line for line in lines)
        said = said_recorded(lines)
        assert len(said) > 5
        assert said <= recorded(home)


# --- a folder that cannot be written ----------------------------------------------------------------


@contextmanager
def read_only(home):
    """The folder with what is in it, written by nobody: not even by root, who needs a read-only mount for that."""
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in (*home.iterdir(), home)}
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        return
    bind, remount = ["mount", "--bind", home, home], ["mount", "-o", "remount,ro,bind", home]
    if not shutil.which("mount") or subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("a folder is read-only for root only where root may mount")
    try:
        subprocess.run(remount, check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", home], check=True)


@pytest.mark.parametrize("state", ["empty", "with a store"])
def test_a_folder_that_cannot_be_written(home, state):
    if state == "with a store":
        assert run(home, "flows", "1")[2] == 0
    with read_only(home):
        lines, err, _ = run(home, "flows", "1")
    (refusal,) = lines
    assert refusal.startswith("refused")
    assert "PREFECT_HOME elsewhere" in refusal
    assert "Traceback" not in err, err
    if state == "with a store":
        assert recorded(home) == {0}


# --- several processes ------------------------------------------------------------------------------


def test_processes_that_open_a_new_file_at_once_all_get_it(home):
    processes = [start(home, "wait_and_open", stdin=subprocess.PIPE) for _ in range(6)]
    for process in processes:
        process.stdin.close()
        process.stdin = None
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert [code for _, code in ended] == [0] * 6, ended
    with closing(sqlite3.connect(home / "pluperfect.db")) as cx:
        assert cx.execute("SELECT COUNT(*) FROM flow_run WHERE state_type = 'COMPLETED'").fetchone() == (6,)
        assert cx.execute("SELECT COUNT(*) FROM flow").fetchone() == (1,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_and_its_parent_both_go_on(home):
    _, err, code = run(home, "fork")
    assert code == 0, err
    assert recorded(home) == {1, 2, 3, 4}
    with closing(sqlite3.connect(home / "pluperfect.db")) as cx:
        assert cx.execute("SELECT COUNT(*) FROM task_run").fetchone() == (4,)
        assert cx.execute("SELECT COUNT(*) FROM log WHERE message = 'xxxxxxxxxx'").fetchone() == (4,)
        assert cx.execute("SELECT * FROM process").fetchall() == []

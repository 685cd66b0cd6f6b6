"""Lock managers: one holder at a time, between threads, coroutines and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from prefect._base.clock import VirtualClock, use_clock
from prefect.locking.filesystem import FileSystemLockManager
from prefect.locking.memory import MemoryLockManager
from prefect.locking.protocol import LockManager

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture(params=["memory", "filesystem"])
def locks(request, tmp_path):
    if request.param == "filesystem":
        return FileSystemLockManager(tmp_path / "locks")
    manager = MemoryLockManager()
    manager._reset()
    return manager


@pytest.fixture
def clock():
    with use_clock(VirtualClock()) as clock:
        yield clock


def test_one_holder_at_a_time(locks, clock):
    assert isinstance(locks, LockManager)
    assert locks.acquire_lock("key", "a")
    assert locks.acquire_lock("key", "a")  # again, by the same
    assert not locks.acquire_lock("key", "b", acquire_timeout=5)
    assert not locks.acquire_lock("key", "b", acquire_timeout=0)
    assert locks.acquire_lock("other", "b", acquire_timeout=0)
    assert locks.is_locked("key")
    assert not locks.is_locked("nothing")
    assert locks.is_lock_holder("key", "a")
    assert not locks.is_lock_holder("key", "b")
    locks.release_lock("key", "a")
    assert not locks.is_locked("key")
    assert locks.acquire_lock("key", "b", acquire_timeout=0)


def test_waiting_takes_no_longer_than_it_may(locks, clock):
    locks.acquire_lock("key", "a")
    before = clock.now_us()
    assert not locks.wait_for_lock("key", timeout=2)
    assert 2_000_000 <= clock.now_us() - before < 2_010_000
    assert locks.wait_for_lock("free", timeout=0)


def test_only_the_holder_gives_a_lock_back(locks):
    with pytest.raises(ValueError, match="No lock held by a for transaction with key key"):
        locks.release_lock("key", "a")
    locks.acquire_lock("key", "a")
    with pytest.raises(ValueError, match="No lock held by b for transaction with key key"):
        locks.release_lock("key", "b")
    assert locks.is_lock_holder("key", "a")


def test_a_lock_that_is_held_too_long_can_be_taken(locks, clock):
    locks.acquire_lock("key", "a", hold_timeout=10)
    assert not locks.acquire_lock("key", "b", acquire_timeout=9)
    assert locks.acquire_lock("key", "b", acquire_timeout=2)
    with pytest.raises(ValueError, match="No lock held by a"):
        locks.release_lock("key", "a")
    assert locks.is_lock_holder("key", "b")


def test_the_awaited_forms(locks, clock):
    async def use():
        assert await locks.aacquire_lock("key", "a")
        assert not await locks.aacquire_lock("key", "b", acquire_timeout=1)
        assert not await locks.await_for_lock("key", timeout=1)
        locks.release_lock("key", "a")
        assert await locks.await_for_lock("key")

    asyncio.run(use())


def test_coroutines_exclude_each_other(locks):
    inside = 0

    async def work(name):
        nonlocal inside
        await locks.aacquire_lock("key", name)
        inside += 1
        assert inside == 1
        await asyncio.sleep(0)
        inside -= 1
        locks.release_lock("key", name)

    async def main():
        await asyncio.gather(*(work(f"holder-{n}") for n in range(5)))

    asyncio.run(main())


def test_threads_exclude_each_other(locks):
    inside, seen = threading.Semaphore(1), []

    def work(name):
        for _ in range(5):
            assert locks.acquire_lock("key", name)
            seen.append(inside.acquire(blocking=False))
            inside.release()
            locks.release_lock("key", name)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 20


@pytest.mark.parametrize("key", ["a/b", "..", "x" * 300, "ünïcode", "", "a b"])
def test_a_key_may_be_any_text(locks, key):
    assert locks.acquire_lock(key, "a")
    assert not locks.acquire_lock(key, "b", acquire_timeout=0)
    locks.release_lock(key, "a")


def test_memory_locks_are_one():
    assert MemoryLockManager() is MemoryLockManager()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_holds_no_locks_of_its_parent():
    locks = MemoryLockManager()
    locks._reset()
    locks.acquire_lock("key", "parent")
    child = os.fork()
    if not child:
        os._exit(0 if locks.acquire_lock("key", "child", acquire_timeout=0) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert locks.is_lock_holder("key", "parent")


def test_file_locks_of_one_folder_are_equal(tmp_path):
    assert FileSystemLockManager(tmp_path) == FileSystemLockManager(str(tmp_path))
    assert FileSystemLockManager(tmp_path) != FileSystemLockManager(tmp_path / "other")


def start(script, *args):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def test_processes_exclude_each_other(tmp_path):
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from prefect.locking.filesystem import FileSystemLockManager\n"
        "folder = Path(sys.argv[1]); locks = FileSystemLockManager(folder / 'locks'); counter = folder / 'n'\n"
        "for _ in range(20):\n"
        "    assert locks.acquire_lock('key', sys.argv[2])\n"
        "    counter.write_text(str(int(counter.read_text()) + 1))  # lost updates would show\n"
        "    locks.release_lock('key', sys.argv[2])\n"
    )
    (tmp_path / "n").write_text("0")
    processes = [start(script, tmp_path, name) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    assert (tmp_path / "n").read_text() == "60"


HOLD = (
    "import sys\n"
    "from prefect.locking.filesystem import FileSystemLockManager\n"
    "assert FileSystemLockManager(sys.argv[1]).acquire_lock('key', 'holder')\n"
    "print('held', flush=True); sys.stdin.read()\n"
)


def test_the_lock_of_a_dead_process_can_be_taken(tmp_path):
    locks = FileSystemLockManager(tmp_path)
    process = start(HOLD, tmp_path)
    assert process.stdout.readline() == "held\n"
    assert not locks.acquire_lock("key", "me", acquire_timeout=0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert locks.acquire_lock("key", "me", acquire_timeout=0)

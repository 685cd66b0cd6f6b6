"""Transactions by themselves and around tasks (behaviour 60): what the behaviour suite does not look at."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect import flow, task
from prefect._backend import journal
from prefect._backend.resolve import backend
from prefect.context import TaskRunContext
from prefect.filesystems import LocalFileSystem
from prefect.locking.memory import MemoryLockManager
from prefect.results import ResultStore
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect.transactions import (
    AsyncTransaction,
    CommitMode,
    IsolationLevel,
    Transaction,
    TransactionState,
    atransaction,
    get_transaction,
    transaction,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A store and a result folder of this test alone."""
    with prefect_test_harness(), temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield tmp_path / "results"


def noted_task(name: str, notes: list[str], *, fails: bool = False, **options: Any) -> Any:
    @task(name=name, **options)
    def work() -> str:
        if fails:
            raise ValueError(name)
        return name

    work.on_commit(lambda _: notes.append(f"{name} committed"))
    work.on_rollback(lambda _: notes.append(f"{name} rolled back"))
    return work


def stored(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.exists() else 0


# --- what a transaction is ----------------------------------------------------------------------------


def test_states_follow_each_other():
    with transaction() as txn:
        assert txn.is_active()
        txn.stage("x")
        assert txn.is_staged()
    assert txn.is_committed()
    assert Transaction().is_pending()


def test_modes_and_isolation_are_the_parents_unless_given():
    with (
        transaction(commit_mode=CommitMode.EAGER, isolation_level=IsolationLevel.SERIALIZABLE),
        transaction() as inner,
        transaction(commit_mode=CommitMode.LAZY) as innermost,
    ):
        assert inner.commit_mode is CommitMode.EAGER
        assert inner.isolation_level is IsolationLevel.SERIALIZABLE
        assert innermost.commit_mode is CommitMode.LAZY


def test_the_default_store_is_that_of_the_run(folder: Path):
    with transaction(key="k") as txn:
        txn.stage({"a": 1})
    assert (folder / "k").exists()
    with transaction(key="k") as txn:
        assert txn.is_committed()
        assert txn.read().result == {"a": 1}


def test_overwrite_and_write_on_commit(folder: Path):
    for value in ("first", "second"):
        with transaction(key="k", overwrite=True) as txn:
            assert not txn.is_committed()
            txn.stage(value)
    with transaction(key="k") as txn:
        assert txn.read().result == "second"
    with transaction(key="other", write_on_commit=False) as txn:
        txn.stage(1)
    assert txn.is_committed()
    assert not (folder / "other").exists()


def test_staging_in_a_committed_transaction_changes_nothing():
    with transaction(key="k") as txn:
        txn.stage(1)
    with transaction(key="k") as txn:
        txn.stage(2)
    with transaction(key="k") as txn:
        assert txn.read().result == 1


def test_what_cannot_be_written_rolls_back(folder: Path, caplog: pytest.LogCaptureFixture):
    notes: list[str] = []
    with transaction(key="k") as txn:
        txn.stage(threading.Lock(), on_rollback_hooks=[lambda _: notes.append("rolled back")])
    assert txn.is_rolled_back()
    assert notes == ["rolled back"]
    assert stored(folder) == 0
    assert "An error was encountered while committing transaction 'k'" in caplog.text


def test_inner_values_are_on_disk_only_once_the_outer_one_commits(folder: Path):
    with transaction():
        with transaction(key="k") as inner:
            inner.stage(1)
        assert stored(folder) == 0
    assert inner.is_committed()
    assert stored(folder) == 1


def test_committing_by_hand_ends_it():
    notes: list[str] = []
    a, b = noted_task("a", notes), noted_task("b", notes)
    with transaction() as txn:
        a()
        assert txn.commit()
        assert notes == ["a committed"]
        b()
        assert notes == ["a committed", "b committed"]
        assert not txn.commit()
        assert not txn.rollback()


def test_tasks_after_a_roll_back_by_hand_are_rolled_back_too():
    notes: list[str] = []
    a, b = noted_task("a", notes), noted_task("b", notes)
    with transaction() as txn:
        a()
        assert txn.rollback()
        b()
    assert notes == ["a rolled back", "b rolled back"]


# --- hooks --------------------------------------------------------------------------------------------


def test_a_failing_commit_hook_undoes_its_transaction_alone(folder: Path):
    notes: list[str] = []
    store = ResultStore(result_storage=LocalFileSystem(basepath=str(folder)))

    def bad(txn: Transaction) -> None:
        notes.append("bad")
        raise RuntimeError("bad hook")

    def note(text: str) -> Callable[[Transaction], None]:
        return lambda txn: notes.append(f"{text} {txn.state.name} {txn.store.exists(txn.key)}")

    with transaction("outer", store=store) as outer:
        with transaction("kept", store=store) as kept:
            kept.stage(1, on_commit_hooks=[note("kept")])
        with transaction("undone", store=store) as undone:
            undone.stage(2, on_commit_hooks=[bad, note("never")], on_rollback_hooks=[note("undone")])
        outer.stage(3, on_commit_hooks=[note("outer")])
    assert notes == ["kept STAGED False", "bad", "undone ROLLED_BACK False", "outer STAGED False"]
    assert (kept.is_committed(), undone.is_rolled_back(), outer.is_committed()) == (True, True, True)
    assert [store.exists(key) for key in ("kept", "undone", "outer")] == [True, False, True]


def test_a_failing_hook_is_logged_and_the_rest_are_rolled_back(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    notes: list[str] = []

    def bad(txn: Transaction) -> None:
        raise RuntimeError("bad hook")

    with transaction() as txn:
        txn.stage(1, on_commit_hooks=[bad])
    assert txn.is_rolled_back()
    with pytest.raises(KeyError), transaction() as txn:
        txn.stage(1, on_rollback_hooks=[lambda _: notes.append("rolled back"), bad])
        raise KeyError
    assert notes == ["rolled back"]
    assert "Running commit hook 'bad'" in caplog.text
    assert "An error was encountered while running commit hook 'bad'" in caplog.text
    assert "Rollback hook '<lambda>' finished running successfully" in caplog.text


@pytest.mark.parametrize("asynchronous", [False, True])
def test_async_hooks_are_awaited(asynchronous: bool):
    notes: list[str] = []

    async def hook(txn: Any) -> None:
        await asyncio.sleep(0)
        notes.append(txn.state.name)

    async def main() -> None:
        async with atransaction() as txn:
            txn.stage(1, on_commit_hooks=[hook])

    if asynchronous:
        asyncio.run(main())
    else:
        with transaction() as txn:
            txn.stage(1, on_commit_hooks=[hook])
    assert notes == ["STAGED"]


def test_the_last_finished_is_undone_first_and_an_outer_task_before_its_inner_ones():
    notes: list[str] = []
    inner = noted_task("inner", notes)

    @task
    def outer() -> None:
        inner()

    outer.on_rollback(lambda _: notes.append("outer rolled back"))
    with pytest.raises(KeyError), transaction():
        noted_task("first", notes)()
        outer()
        raise KeyError
    assert notes == ["outer rolled back", "inner rolled back", "first rolled back"]


# --- task runs ----------------------------------------------------------------------------------------


def test_every_task_run_is_a_transaction():
    @task
    def asks() -> Any:
        txn = get_transaction()
        assert txn is get_transaction()
        with transaction() as block:
            assert block.get_parent() is txn
            assert get_transaction() is block
        assert get_transaction() is txn
        return txn

    txn = asks()
    assert isinstance(txn, Transaction)
    assert txn.is_committed()
    with transaction() as block:
        assert asks().get_parent() is block
    assert get_transaction() is None


def test_an_async_task_run_is_an_async_transaction():
    @task
    async def asks() -> Any:
        return get_transaction()

    assert isinstance(asyncio.run(asks()), AsyncTransaction)


def test_a_transaction_in_a_task_is_left_to_the_task():
    notes: list[str] = []

    @task
    def work() -> None:
        with transaction() as txn:
            txn.stage(1, on_rollback_hooks=[lambda _: notes.append("rolled back")])
        notes.append(txn.state.name)
        raise ValueError

    work(return_state=True)
    assert notes == ["STAGED", "rolled back"]


def test_a_retry_undoes_the_failed_attempt_and_nothing_else():
    notes: list[str] = []
    before, inner = noted_task("before", notes), noted_task("inner", notes)
    attempts: list[int] = []

    @task(retries=1)
    def flaky() -> None:
        inner()
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError

    with transaction():
        before()
        flaky()
        assert notes == ["inner rolled back"]
    assert notes == ["inner rolled back", "before committed", "inner committed"]


def test_a_failure_that_is_caught_rolls_the_block_back_all_the_same():
    notes: list[str] = []

    @task
    def fails() -> None:
        raise ValueError

    with transaction() as txn:
        noted_task("a", notes)()
        fails(return_state=True)
        assert txn.is_rolled_back()
    assert notes == ["a rolled back"]


def test_hooks_come_before_the_final_state_is_announced():
    notes: list[str] = []
    good, bad = noted_task("good", notes), noted_task("bad", notes, fails=True)
    good.on_completion(lambda *_: notes.append("good completed"))
    bad.on_failure(lambda *_: notes.append("bad failed"))

    @task(on_failure=[lambda *_: notes.append("outer failed")])
    def outer() -> None:
        good()
        bad()

    good()
    outer(return_state=True)
    assert notes == [
        "good committed",
        "good completed",
        "good completed",
        "good rolled back",
        "bad failed",
        "outer failed",
    ]


def test_submitted_tasks_take_part():
    notes: list[str] = []
    a = noted_task("a", notes)

    @flow
    def parent(fails: bool) -> None:
        with transaction():
            a.submit().wait()
            if fails:
                raise ValueError

    parent(fails=False)
    parent(fails=True, return_state=True)
    assert notes == ["a committed", "a rolled back"]


def test_a_task_that_outlives_the_block_follows_its_fate():
    notes: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    @task
    def slow() -> None:
        begun.set()
        assert may_end.wait(10)

    slow.on_commit(lambda _: notes.append("committed"))
    slow.on_rollback(lambda _: notes.append("rolled back"))

    @flow
    def parent(fails: bool) -> None:
        begun.clear()
        may_end.clear()
        try:
            with transaction():
                future = slow.submit()
                assert begun.wait(10)
                if fails:
                    raise ValueError
        except ValueError:
            pass
        may_end.set()
        future.wait()

    parent(fails=False)
    parent(fails=True)
    assert notes == ["committed", "rolled back"]


def test_a_rolled_back_run_keeps_its_history():
    ids: list[Any] = []

    @task
    def work() -> None:
        ids.append(TaskRunContext.get().task_run.id)

    work.on_rollback(lambda _: None)

    @flow
    def parent() -> None:
        with transaction():
            work()
            journal.commit()
            raise ValueError

    parent(return_state=True)
    states = backend().read_task_run_states(ids[0].bytes)
    assert [state.name for state in states] == ["Pending", "Running", "Completed", "RolledBack"]


def test_a_crash_rolls_back():
    notes: list[str] = []
    a = noted_task("a", notes)

    @task
    def dies() -> None:
        a()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert notes == ["a rolled back"]


# --- locks --------------------------------------------------------------------------------------------


def test_serializable_transactions_on_a_key_wait_for_each_other():
    store = ResultStore(lock_manager=MemoryLockManager())
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        assert inside.wait(10)
        with transaction(key="k", store=store, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            order.append(f"second sees {txn.read().result}" if txn.is_committed() else "second sees nothing")

    thread = threading.Thread(target=second)
    thread.start()
    with transaction(key="k", store=store, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
        inside.set()
        assert store.is_locked("k")
        order.append("first")
        txn.stage("the first")
    thread.join(10)
    assert order == ["first", "second sees the first"]
    assert not store.is_locked("k")


def test_the_lock_is_given_back_after_an_error():
    store = ResultStore(lock_manager=MemoryLockManager())
    with (
        pytest.raises(KeyError),
        transaction(key="k", store=store, isolation_level=IsolationLevel.SERIALIZABLE) as txn,
    ):
        raise KeyError
    assert txn.state is TransactionState.ROLLED_BACK
    assert not store.is_locked("k")


def test_transactions_work_on_their_own():
    txn = Transaction(key="k")
    txn.begin()
    txn.stage(5)
    assert txn.commit()
    txn.reset()

    async def main() -> Any:
        other = AsyncTransaction(key="k")
        await other.begin()
        assert other.is_committed()
        return (await other.read()).result

    assert asyncio.run(main()) == 5

"""Transactions: what is committed when, what is rolled back, what they carry (behaviour 60)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conformance import observe
from conformance.forms import Async, Form
from prefect import flow, task
from prefect.context import TaskRunContext
from prefect.exceptions import ConfigurationError
from prefect.transactions import (
    CommitMode,
    IsolationLevel,
    Transaction,
    TransactionState,
    atransaction,
    get_transaction,
    transaction,
)

pytestmark = pytest.mark.behaviour(60)


class Ledger:
    """Tasks whose commits and roll-backs are noted in order."""

    def __init__(self, form: Form):
        self.form = form
        self.notes: list[str] = []
        self.run_ids: dict[str, Any] = {}

    def step(self, name: str, *, fails: bool = False) -> Any:
        """A task of that name, which fails or not."""

        @task(name=name)
        @self.form
        def work():
            self.run_ids[name] = TaskRunContext.get().task_run.id
            if fails:
                raise ValueError(name)
            return name

        @work.on_commit
        def commit(transaction: Transaction) -> None:
            self.notes.append(f"{name} committed")

        @work.on_rollback
        def roll_back(transaction: Transaction) -> None:
            self.notes.append(f"{name} rolled back")

        return work

    def final_states(self, name: str) -> list[str]:
        """The last two states on record of the task of that name."""
        return [state for _, state in observe.task_run_states(self.run_ids[name])][-2:]


@pytest.fixture
def ledger(form: Form) -> Ledger:
    """A ledger for the tasks of this test."""
    return Ledger(form)


# --- commit -----------------------------------------------------------------------------------------


def test_a_task_commits_at_once_outside_a_transaction(form: Form, ledger: Ledger):
    form.run(ledger.step("a"))
    assert ledger.notes == ["a committed"]


def test_tasks_of_a_transaction_commit_with_it_in_order(form: Form, ledger: Ledger):
    a, b = ledger.step("a"), ledger.step("b")

    @flow
    @form
    def parent():
        with transaction() as outer:
            yield a()
            yield b()
            ledger.notes.append("end of the block")
            assert [child.state for child in outer.children] == [TransactionState.STAGED] * 2
        return outer

    outer = form.run(parent)
    assert ledger.notes == ["end of the block", "a committed", "b committed"]
    assert outer.is_committed()


def test_an_eager_inner_transaction_commits_at_once(form: Form, ledger: Ledger):
    a, b = ledger.step("a"), ledger.step("b")

    @flow
    @form
    def parent():
        with transaction():
            with transaction(commit_mode=CommitMode.EAGER):
                yield a()
            ledger.notes.append("end of the inner block")
            yield b()
            raise ValueError("x")

    form.run(parent, return_state=True)
    assert ledger.notes == ["a committed", "end of the inner block", "b rolled back"]


def test_a_lazy_inner_transaction_waits_for_the_outer_one(form: Form, ledger: Ledger):
    a = ledger.step("a")

    @flow
    @form
    def parent():
        with transaction():
            with transaction():
                yield a()
            ledger.notes.append("end of the inner block")

    form.run(parent)
    assert ledger.notes == ["end of the inner block", "a committed"]


# --- roll-back --------------------------------------------------------------------------------------


def test_only_finished_tasks_are_rolled_back_the_last_one_first(form: Form, ledger: Ledger):
    a, b, c, d = ledger.step("a"), ledger.step("b"), ledger.step("c", fails=True), ledger.step("d")

    @flow
    @form
    def parent():
        with transaction():
            yield a()
            yield b()
            yield c()
            yield d()

    with pytest.raises(ValueError, match="c"):
        form.run(parent)
    assert ledger.notes == ["b rolled back", "a rolled back"]


def test_a_rolled_back_task_run_says_so(form: Form, ledger: Ledger):
    a, b = ledger.step("a"), ledger.step("b", fails=True)

    @flow
    @form
    def parent():
        with transaction():
            yield a()
            yield b()

    form.run(parent, return_state=True)
    assert ledger.final_states("a") == ["Completed", "RolledBack"]
    assert ledger.final_states("b") == ["Running", "Failed"]


def test_off_rolls_back_at_the_end_of_the_block(form: Form, ledger: Ledger):
    a = ledger.step("a")

    @flow
    @form
    def parent():
        with transaction(commit_mode=CommitMode.OFF) as off:
            yield a()
            ledger.notes.append("end of the block")
        return off.state

    assert form.run(parent) is TransactionState.ROLLED_BACK
    assert ledger.notes == ["end of the block", "a rolled back"]


def test_rolling_back_goes_up(form: Form, ledger: Ledger):
    a, b = ledger.step("a"), ledger.step("b")

    @flow
    @form
    def parent():
        with transaction() as outer:
            yield a()
            try:
                with transaction() as inner:
                    yield b()
                    raise ValueError("x")
            except ValueError:
                return outer.is_rolled_back(), inner.is_rolled_back()

    assert form.run(parent) == (True, True)
    assert ledger.notes == ["b rolled back", "a rolled back"]


def test_a_failing_task_rolls_back_the_tasks_it_called(form: Form, ledger: Ledger):
    a = ledger.step("a")

    @task
    @form
    def outer():
        yield a()
        raise ValueError("x")

    form.run(outer, return_state=True)
    assert ledger.notes == ["a rolled back"]


# --- data -------------------------------------------------------------------------------------------


def test_a_transaction_carries_values_to_its_tasks(form: Form):
    @task
    @form
    def reads():
        return get_transaction().get("who")

    @flow
    @form
    def parent():
        with transaction() as txn:
            txn.set("who", "me")
            return (yield reads())

    assert form.run(parent) == "me"


def test_values_of_the_parent_are_copies():
    with transaction() as outer:
        outer.set("list", [1])
        with transaction() as inner:
            assert inner.get_parent() is outer
            inner.get("list").append(2)
            assert inner.get("list") == [1]
            inner.set("list", [3])
        assert outer.get("list") == [1]


def test_a_hook_reads_the_values_of_its_transaction(form: Form):
    seen = []

    @task
    @form
    def work():
        get_transaction().set("path", "p")

    @work.on_rollback
    def clean(txn: Transaction) -> None:
        seen.append(txn.get("path"))

    @flow
    @form
    def parent():
        with transaction():
            yield work()
            raise ValueError("x")

    form.run(parent, return_state=True)
    assert seen == ["p"]


def test_an_unknown_key_is_an_error_unless_there_is_a_default():
    with transaction() as txn:
        assert txn.get("zz", 5) == 5
        with pytest.raises(ValueError, match="zz"):
            txn.get("zz")


def test_the_active_transaction_is_known_inside_only():
    assert get_transaction() is None
    with transaction() as outer:
        with transaction() as inner:
            assert get_transaction() is inner
        assert get_transaction() is outer
    assert get_transaction() is None


# --- keys and isolation -----------------------------------------------------------------------------


@pytest.mark.usefixtures("result_folder")
def test_a_committed_key_is_found_by_the_next_transaction():
    def once() -> tuple[bool, Any]:
        with transaction(key="report", write_on_commit=True) as txn:
            if txn.is_committed():
                return True, txn.read().result
            txn.stage("written")
            return False, None

    assert once() == (False, None)
    assert once() == (True, "written")


@pytest.mark.usefixtures("result_folder")
def test_a_rolled_back_key_is_not_there():
    with pytest.raises(RuntimeError), transaction(key="report", write_on_commit=True) as txn:
        txn.stage("never")
        raise RuntimeError
    with transaction(key="report", write_on_commit=True) as txn:
        assert not txn.is_committed()


def test_serializable_needs_a_lock_manager():
    with (
        pytest.raises(
            ConfigurationError,
            match="^Isolation level SERIALIZABLE is not supported by provided configuration",
        ),
        transaction(key="report", isolation_level=IsolationLevel.SERIALIZABLE),
    ):
        pass


# --- the async form ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
def test_async_transaction(fails: bool):
    ledger = Ledger(Async())
    a = ledger.step("a")

    @flow
    async def parent():
        async with atransaction():
            await a()
            ledger.notes.append("end of the block")
            if fails:
                raise ValueError("x")

    asyncio.run(parent(return_state=True))
    assert ledger.notes == ["end of the block", "a rolled back" if fails else "a committed"]


def test_async_transaction_is_no_plain_context_manager():
    async def main() -> None:
        async with atransaction() as txn:
            with pytest.raises(NotImplementedError):
                txn.__enter__()

    asyncio.run(main())

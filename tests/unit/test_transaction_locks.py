"""SERIALIZABLE transactions: one at a time on a key, nested ones and their own writes not shut out."""

from __future__ import annotations

import asyncio
import threading

import pytest

from prefect.locking.filesystem import FileSystemLockManager
from prefect.locking.memory import MemoryLockManager
from prefect.results import ResultStore
from prefect.transactions import IsolationLevel, atransaction, transaction


@pytest.fixture(params=["memory", "filesystem"])
def store(request, tmp_path):
    if request.param == "memory":
        locks = MemoryLockManager()
        locks._reset()
    else:
        locks = FileSystemLockManager(tmp_path / "locks")
    return ResultStore(result_storage=tmp_path / "results", lock_manager=locks)


@pytest.mark.behaviour(60)
def test_a_transaction_has_its_key_for_itself(store):
    with transaction("key", store=store, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
        assert store.is_locked("key")
        assert not store.acquire_lock("key", holder="somebody else", timeout=0)
        txn.stage(1)
    assert not store.is_locked("key")
    assert store.read("key").result == 1


@pytest.mark.behaviour(60)
def test_a_nested_transaction_on_the_same_key_is_not_shut_out(store):
    with transaction("key", store=store, isolation_level="SERIALIZABLE") as outer:
        with transaction("key", store=store) as inner:
            assert inner.isolation_level is IsolationLevel.SERIALIZABLE
            inner.stage(1)
        assert store.is_locked("key")
        outer.stage(2)
    assert not store.is_locked("key")
    assert store.read("key").result == 2


def test_the_code_of_a_transaction_may_write_its_key(store):
    with transaction("key", store=store, isolation_level="SERIALIZABLE", write_on_commit=False):
        store.write(1, key="key")
    assert store.read("key").result == 1


def test_an_error_gives_the_lock_back(store):
    with pytest.raises(ZeroDivisionError), transaction("key", store=store, isolation_level="SERIALIZABLE"):
        raise ZeroDivisionError
    assert not store.is_locked("key")


@pytest.mark.behaviour(60)
def test_threads_compute_a_key_once(store):
    computed = []

    def work():
        with transaction("key", store=store, isolation_level="SERIALIZABLE") as txn:
            if not txn.is_committed():
                computed.append(threading.get_ident())
                txn.stage("value")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1


@pytest.mark.behaviour(60)
async def test_coroutines_compute_a_key_once(store):
    computed = []

    async def work(number):
        async with atransaction("key", store=store, isolation_level="SERIALIZABLE") as txn:
            if not txn.is_committed():
                await asyncio.sleep(0)
                computed.append(number)
                txn.stage("value")

    await asyncio.gather(*(work(number) for number in range(4)))
    assert len(computed) == 1


@pytest.mark.behaviour(60)
async def test_a_broken_record_does_not_count_as_committed(store, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "key").write_text('{"metadata": {"sto')
    async with atransaction("key", store=store) as txn:
        assert not txn.is_committed()
        txn.stage("whole")
    assert (await store.aread("key")).result == "whole"

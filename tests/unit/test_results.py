"""Results: what is written is read again, by anybody, or is said to be missing or broken."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect._base import current
from prefect._base.clock import VirtualClock, now, use_clock
from prefect._base.isolation import IsolationLevel
from prefect._result_record import RecordCache, ResultRecord
from prefect.cache_policies import INPUTS
from prefect.exceptions import ConfigurationError, MissingResult, SerializationError
from prefect.filesystems import LocalFileSystem, NullFileSystem, RemoteFileSystem, WritableFileSystem
from prefect.locking.memory import MemoryLockManager
from prefect.model.results import ResultRecordMetadata
from prefect.results import (
    ResultStore,
    get_default_persist_setting,
    get_default_persist_setting_for_tasks,
    get_default_result_serializer,
    get_default_result_storage,
    get_result_store,
    read_stored,
    resolve_result_storage,
    resolve_serializer,
    should_persist_result,
)
from prefect.serializers import JSONSerializer, PickleSerializer, Serializer
from prefect.settings import temporary_settings

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture(autouse=True)
def home(tmp_path):
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "home")}):
        yield tmp_path / "home"


@pytest.fixture
def store(tmp_path):
    return ResultStore(result_storage=tmp_path / "results")


def fresh(store):
    """The same store, as another process would have it: with nothing in memory."""
    return store.model_copy(update={"cache": RecordCache()})


class AsyncStorage(WritableFileSystem):
    files: dict[str, bytes] = {}

    async def read_path(self, path):
        await asyncio.sleep(0)
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    async def write_path(self, path, content):
        await asyncio.sleep(0)
        self.files[path] = content


class SyncStorage(WritableFileSystem):
    files: dict[str, bytes] = {}

    def read_path(self, path):
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write_path(self, path, content):
        self.files[path] = content


class ReversedStorage(LocalFileSystem):
    """A subclass of a built-in one: its methods are the ones that count."""

    def read_path(self, path):
        return self.read_now(path)[::-1]

    def write_path(self, path, content):
        return self.write_now(path, content[::-1])


STORAGES = {
    "local": lambda tmp_path: LocalFileSystem(basepath=tmp_path / "results"),
    "memory": lambda tmp_path: RemoteFileSystem(basepath="memory://bucket/results"),
    "file": lambda tmp_path: RemoteFileSystem(basepath=f"file://{tmp_path}/results"),
    "async": lambda tmp_path: AsyncStorage(files={}),
    "sync": lambda tmp_path: SyncStorage(files={}),
}


@pytest.fixture(params=STORAGES)
def storage(request, tmp_path):
    yield STORAGES[request.param](tmp_path)
    fsspec.filesystem("memory").store.clear()


@pytest.mark.parametrize("serializer", ["pickle", "json", "compressed/pickle", "compressed/json"])
def test_what_is_written_is_read_again(storage, serializer):
    store = ResultStore(result_storage=storage, serializer=serializer)
    value = {"a": [1, None, 'ü ☃ \\ " \n'], "b": 2.5}
    assert not store.exists("key")
    store.write(value, key="key")
    assert store.exists("key")
    assert fresh(store).exists("key")
    assert fresh(store).read("key").result == value
    assert store.read("key").result == value


def test_the_awaited_forms(storage):
    async def use():
        store = ResultStore(result_storage=storage)
        assert not await store.aexists("key")
        await store.awrite([1], key="key")
        assert await fresh(store).aexists("key")
        await store.apersist_result_record(store.create_result_record([2], key="other"))
        return (await fresh(store).aread("key")).result + (await fresh(store).aread("other")).result

    assert asyncio.run(use()) == [1, 2]


def test_the_synchronous_forms_work_under_a_running_loop(storage):
    async def use():
        store = ResultStore(result_storage=storage)
        store.write([1], key="key")
        return fresh(store).read("key").result

    assert asyncio.run(use()) == [1]


def test_remote_files_do_not_hold_up_the_event_loop():
    seen = []

    async def use():
        storage = RemoteFileSystem(basepath="memory://bucket")
        filesystem = fsspec.filesystem("memory")
        original = filesystem.pipe_file

        def pipe_file(*args, **kwargs):
            seen.append(threading.current_thread())
            return original(*args, **kwargs)

        storage._filesystem = SimpleNamespace(pipe_file=pipe_file)
        await ResultStore(result_storage=storage).awrite(1, key="key")

    asyncio.run(use())
    fsspec.filesystem("memory").store.clear()
    assert seen
    assert threading.main_thread() not in seen


def test_a_subclass_of_a_file_system_is_asked(tmp_path):
    store = ResultStore(result_storage=ReversedStorage(basepath=tmp_path))
    store.write([1], key="key")
    assert (tmp_path / "key").read_bytes().endswith(b':"atadatem"{')
    assert fresh(store).read("key").result == [1]


@settings(max_examples=50, deadline=None)
@given(value=st.recursive(st.text() | st.floats(allow_nan=False) | st.binary(), st.lists, max_leaves=5))
def test_every_value_survives_the_file(value, tmp_path_factory):
    metadata = ResultRecordMetadata.model_construct(
        None,
        storage_key='/a "b" ü',
        expiration=now(),
        serializer=PickleSerializer(),
        prefect_version="1",
        storage_block_id=None,
    )
    record = ResultRecord(value, metadata)
    assert ResultRecord.deserialize(record.serialize()) == record


def test_the_file_of_a_task_result(store, tmp_path):
    expiration = now() + timedelta(days=1)
    store.write({"a": 1}, key="key", expiration=expiration)
    content = json.loads((tmp_path / "results" / "key").read_text())
    assert set(content) == {"metadata", "result"}
    assert content["metadata"] == {
        "storage_key": str(tmp_path / "results" / "key"),
        "expiration": expiration.isoformat(),
        "serializer": {"type": "pickle", "picklelib": "cloudpickle", "picklelib_version": None},
        "prefect_version": content["metadata"]["prefect_version"],
        "storage_block_id": None,
    }
    assert PickleSerializer().loads(content["result"].encode()) == {"a": 1}


def test_files_of_the_original_can_be_read(store, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "key").write_text(
        '{"metadata":{"storage_key":"/elsewhere/key","expiration":"2026-11-21T16:27:10.275350Z","serializer":'
        '{"type":"pickle","picklelib":"cloudpickle","picklelib_version":null},"prefect_version":"3.9.1",'
        '"storage_block_id":null},"result":"gAWVCgAAAAAAAAB9lIwBYZRLAXMu\\n"}'
    )
    record = store.read("key")
    assert record.result == {"a": 1}
    assert record.expiration.isoformat() == "2026-11-21T16:27:10.275350+00:00"


def test_without_a_key_every_result_has_its_own(store, tmp_path):
    store.write(1)
    store.write(2)
    names = os.listdir(tmp_path / "results")
    assert len(names) == 2
    assert all(len(name) == 32 and int(name, 16) for name in names)


def test_what_is_missing(store):
    assert not store.exists("nothing")
    with pytest.raises(ValueError, match="nothing does not exist"):
        store.read("nothing")


def test_keys_do_not_lead_out_of_the_storage(store):
    for use in (store.exists, store.read, lambda key: store.write(1, key=key)):
        with pytest.raises(ValueError, match="is outside of the base path"):
            use("../key")
    store.write(1, key="a/b")
    assert fresh(store).read("a/b").result == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"metadata": {"sto',
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"metadata": {}, "result": "x"}',
        b'{"metadata": {"serializer": {"type": "nonsense"}}, "result": "x"}',
        b'{"metadata": {"serializer": {"type": "pickle"}}, "result": "x"}',
        b'{"metadata": {"serializer": {"type": "json"}}, "result": 5}',
    ],
)
def test_a_broken_file_is_missing_and_never_a_result(store, tmp_path, caplog, content):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "key").write_bytes(content)
    assert store.exists("key") is False
    assert f"The stored result {tmp_path}/results/key cannot be read" in caplog.text
    with pytest.raises(
        SerializationError, match=r"cannot be read: .* Delete it, or run with refresh_cache=True"
    ):
        store.read("key")
    store.write("whole", key="key")
    assert fresh(store).read("key").result == "whole"


def test_every_truncation_is_noticed(store, tmp_path):
    store.write({"a": [1, 2, 3]}, key="key")
    whole = (tmp_path / "results" / "key").read_bytes()
    for length in range(len(whole)):
        with pytest.raises(SerializationError):
            ResultRecord.deserialize(whole[:length])


@pytest.mark.behaviour(55)
def test_an_expired_record_is_not_there_but_can_be_read(store):
    with use_clock(VirtualClock()) as clock:
        store.write(1, key="key", expiration=now() + timedelta(seconds=10))
        assert store.exists("key")
        clock.advance(11)
        assert not store.exists("key")
        assert not fresh(store).exists("key")
        assert fresh(store).read("key").result == 1


@pytest.mark.behaviour(55)
def test_none_is_a_result(store):
    store.write(None, key="key")
    assert store.exists("key")
    assert fresh(store).read("key").result is None


@pytest.mark.behaviour(59)
def test_what_cannot_be_serialized_is_an_error_and_leaves_nothing(store, tmp_path):
    with pytest.raises(
        SerializationError, match="Failed to serialize object of type 'generator' with serializer 'pickle'"
    ):
        store.write((n for n in [1]), key="key")
    assert not (tmp_path / "results").exists()


def test_a_serializer_that_gives_no_text_is_an_error(tmp_path):
    class Raw(Serializer):
        type: str = "raw"

        def dumps(self, obj):
            return b"\xff"

        def loads(self, blob):
            return None

    with pytest.raises(SerializationError, match="Expected text in UTF-8 from serializer 'raw'"):
        ResultStore(result_storage=tmp_path, serializer="raw").write(1, key="key")


def test_metadata_may_be_kept_apart(tmp_path):
    store = ResultStore(result_storage=tmp_path / "results", metadata_storage=tmp_path / "keys")
    store.write({"a": 1}, key="key")
    metadata = json.loads((tmp_path / "keys" / "key").read_bytes())
    assert metadata["storage_key"] == str(tmp_path / "results" / "key")
    assert PickleSerializer().loads((tmp_path / "results" / "key").read_bytes()) == {"a": 1}
    assert fresh(store).exists("key")
    assert fresh(store).read("key").result == {"a": 1}
    (tmp_path / "keys" / "key").unlink()
    assert not fresh(store).exists("key")


def test_without_metadata_the_result_is_alone_in_its_file(tmp_path):
    store = ResultStore(result_storage=tmp_path, metadata_storage=NullFileSystem(), serializer="json")
    store.write([1], key="key")
    assert (tmp_path / "key").read_bytes() == b"[1]"
    assert fresh(store).exists("key")
    assert fresh(store).read("key").result == [1]


def test_a_result_that_looks_like_a_record(tmp_path):
    value = {"metadata": {"storage_key": "x", "serializer": {"type": "json"}}, "result": "5"}
    store = ResultStore(
        result_storage=tmp_path,
        metadata_storage=NullFileSystem(),
        serializer=JSONSerializer(dumps_kwargs={"separators": (",", ":")}),
    )
    record = store.create_result_record(value, key="key")
    store.persist_result_record(record)
    assert fresh(store).read("key").result == value
    assert read_stored(record.metadata) == value


@pytest.mark.parametrize("apart", [None, NullFileSystem()])
def test_the_result_of_a_state_is_read_by_its_metadata(tmp_path, apart):
    store = ResultStore(result_storage=tmp_path, metadata_storage=apart)
    record = store.create_result_record({"a": 1})
    store.persist_result_record(record)
    metadata = ResultRecordMetadata.model_validate_json(record.serialize_metadata())  # as a row gives it back
    assert read_stored(metadata) == {"a": 1}
    Path(record.storage_key).unlink()
    with pytest.raises(MissingResult, match="is gone"):
        read_stored(metadata)


def test_the_result_of_a_state_in_remote_storage():
    store = ResultStore(result_storage="memory://bucket/x")
    record = store.create_result_record(5)
    store.persist_result_record(record)
    assert read_stored(record.metadata) == 5
    fsspec.filesystem("memory").store.clear()


def test_another_process_reads_what_one_has_written(store, tmp_path):
    script = (
        "import sys; from pathlib import Path; from prefect.results import ResultStore\n"
        "store = ResultStore(result_storage=Path(sys.argv[1]))\n"
        "class Local: value = 5\n"
        "store.write(lambda: Local.value + 1, key='key')"
    )
    env = {**os.environ, "PYTHONPATH": SOURCE, "PREFECT_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "results")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert store.read("key").result() == 6


def test_memory_is_asked_first(store, tmp_path):
    value = [1]
    store.write(value, key="key")
    assert store.read("key").result is value
    (tmp_path / "results" / "key").unlink()
    assert store.exists("key")
    forgetful = store.model_copy(update={"cache_result_in_memory": False})
    assert not forgetful.exists("key")
    forgetful.write(value, key="other")
    assert not (tmp_path / "results" / "other").unlink()
    assert not store.exists("other")


def test_memory_does_not_mix_storages_up(store, tmp_path):
    store.write(1, key="key")
    elsewhere = store.update_for_task(options(result_storage=tmp_path / "elsewhere"))
    assert elsewhere.cache is store.cache
    assert not elsewhere.exists("key")


def test_only_the_records_used_last_stay_in_memory():
    cache = RecordCache(maxsize=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (1, None, 3, 2)


def options(**given: Any) -> Any:
    plain = {
        "result_storage": None,
        "result_serializer": None,
        "cache_result_in_memory": True,
        "cache_policy": None,
    }
    return SimpleNamespace(**{**plain, **given})


def test_the_store_of_a_flow_and_of_its_tasks(store, tmp_path):
    of_flow = store.update_for_flow(options(result_serializer="json"))
    assert isinstance(of_flow.metadata_storage, NullFileSystem)
    assert of_flow.serializer == JSONSerializer()
    assert of_flow.result_storage == store.result_storage
    of_task = of_flow.update_for_task(options())
    assert of_task.metadata_storage is None
    assert of_task.serializer == JSONSerializer()
    policy = INPUTS.configure(key_storage=tmp_path / "keys", lock_manager=MemoryLockManager())
    other = of_flow.update_for_task(
        options(
            result_serializer="pickle",
            cache_result_in_memory=False,
            cache_policy=policy,
            result_storage=tmp_path,
        )
    )
    assert other.metadata_storage == LocalFileSystem(basepath=tmp_path / "keys")
    assert other.lock_manager is MemoryLockManager()
    assert (other.serializer, other.cache_result_in_memory) == (PickleSerializer(), False)
    assert other.result_storage == LocalFileSystem(basepath=tmp_path)
    assert of_flow.serializer == JSONSerializer()
    assert asyncio.run(of_flow.aupdate_for_task(options())) == of_task


def test_equal_options_give_the_same_store(store):
    task = options(result_storage="memory://bucket")
    assert store.update_for_task(task) is store.update_for_task(task)
    assert store.update_for_task(task) is not store.update_for_task(options(result_storage="memory://other"))


def test_many_different_options_do_not_pile_up(store):
    for number in range(250):
        store.update_for_task(options(result_storage=f"memory://bucket/{number}"))
    assert len(store._variants) <= 100


def test_storage_by_any_name(tmp_path, home):
    assert resolve_result_storage(tmp_path) == LocalFileSystem(basepath=tmp_path)
    assert resolve_result_storage(str(tmp_path)) == LocalFileSystem(basepath=tmp_path)
    assert resolve_result_storage(f"file://{tmp_path}") == LocalFileSystem(basepath=tmp_path)
    assert resolve_result_storage("memory://x") == RemoteFileSystem(basepath="memory://x")
    given = LocalFileSystem(basepath=tmp_path)
    assert resolve_result_storage(given) is given
    assert get_default_result_storage() == LocalFileSystem(basepath=home / "storage")
    assert ResultStore().result_storage == LocalFileSystem(basepath=home / "storage")
    with pytest.raises(TypeError, match="Got unsupported type 'int'"):
        resolve_result_storage(5)
    with pytest.raises(ValueError, match="expected a result storage such as .*, got 'results'"):
        resolve_result_storage("results")


def test_storage_by_the_name_of_a_saved_block(tmp_path, home):
    number = LocalFileSystem(basepath=tmp_path).save("mine")
    for storage in (resolve_result_storage("local-file-system/mine"), resolve_result_storage(number)):
        assert storage.basepath == str(tmp_path)
        record = ResultStore(result_storage=storage).create_result_record(5, key="key")
        assert record.metadata.storage_block_id == number
        ResultStore(result_storage=storage).persist_result_record(record)
        assert read_stored(record.metadata) == 5
    with pytest.raises(
        ValueError, match="Unable to find block document named other for block type local-file-system"
    ):
        resolve_result_storage("local-file-system/other")
    with temporary_settings({"PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "local-file-system/mine"}):
        assert get_default_result_storage().basepath == str(tmp_path)


def test_serializers_by_name():
    assert resolve_serializer("json") == JSONSerializer()
    given = JSONSerializer()
    assert resolve_serializer(given) is given
    with pytest.raises(TypeError, match="Got unsupported type 'int'"):
        resolve_serializer(5)
    with pytest.raises(ValueError, match="expected the type of a serializer"):
        resolve_serializer("nonsense")
    with temporary_settings({"PREFECT_RESULTS_DEFAULT_SERIALIZER": "json"}):
        assert get_default_result_serializer() == JSONSerializer()
        assert ResultStore().serializer == JSONSerializer()


@pytest.mark.behaviour(58)
def test_nothing_persists_unless_a_setting_or_the_run_says_so():
    assert (get_default_persist_setting(), get_default_persist_setting_for_tasks()) == (False, False)
    assert should_persist_result() is False
    with temporary_settings({"PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true"}):
        assert (get_default_persist_setting(), get_default_persist_setting_for_tasks()) == (True, True)
        assert should_persist_result() is True
        with temporary_settings({"PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "false"}):
            assert (get_default_persist_setting(), get_default_persist_setting_for_tasks()) == (True, False)


def test_a_run_has_its_own_store(store):
    flow_run = SimpleNamespace(persist_result=True, result_store=store)
    token = current.flow_run.set(flow_run)
    try:
        assert get_result_store() is store
        assert should_persist_result() is True
    finally:
        current.flow_run.reset(token)
    assert get_result_store().result_storage == get_default_result_storage()


def test_locks_need_a_lock_manager(store):
    assert store.supports_isolation_level(IsolationLevel.READ_COMMITTED)
    assert not store.supports_isolation_level(IsolationLevel.SERIALIZABLE)
    with pytest.raises(ConfigurationError, match="Result store is not configured with a lock manager"):
        store.acquire_lock("key")


@pytest.fixture
def locking(tmp_path):
    locks = MemoryLockManager()
    locks._reset()
    return ResultStore(result_storage=tmp_path, lock_manager=locks)


def test_a_locked_key_is_written_by_its_holder_only(locking):
    assert locking.supports_isolation_level(IsolationLevel.SERIALIZABLE)
    assert locking.acquire_lock("key", holder="other")
    message = "Cannot write to result record with key key because it is locked by another holder"
    with pytest.raises(RuntimeError, match=message):
        locking.write(1, key="key", holder="me")
    record = locking.create_result_record(1, key="key")
    with pytest.raises(RuntimeError, match=message):
        locking.persist_result_record(record, "me")
    locking.persist_result_record(record, "other")
    assert locking.exists("key")
    locking.release_lock("key", holder="other")
    locking.write(2, key="key", holder="me")


def test_reading_waits_for_the_lock(locking):
    locking.write(1, key="key")
    locking.acquire_lock("key", holder="other")
    assert locking.read("key", holder="other").result == 1
    results = []
    reader = threading.Thread(target=lambda: results.append(locking.read("key", holder="me").result))
    reader.start()
    locking.write(2, key="key", holder="other")
    assert not results
    locking.release_lock("key", holder="other")
    reader.join()
    assert results == [2]


def test_the_holder_is_the_thread_or_the_coroutine(locking):
    assert locking.acquire_lock("key")
    assert locking.is_lock_holder("key")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(locking.is_lock_holder("key")))
    thread.start()
    thread.join()
    assert seen == [False]
    locking.release_lock("key")

    async def one():
        await locking.aacquire_lock("key")
        return locking.is_lock_holder("key")

    async def other():
        return locking.is_lock_holder("key"), await locking.await_for_lock("key", timeout=0)

    async def main():
        return await asyncio.gather(one(), other())

    assert asyncio.run(main()) == [True, (False, False)]


def test_results_are_not_imported_by_what_does_not_need_them():
    script = "import sys, prefect.cache_policies; sys.exit('prefect.results' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": SOURCE}, check=False
    )
    assert run.returncode == 0

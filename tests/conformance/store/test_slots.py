"""Slots, artifacts and blocks on both kinds of store: what many take at once is never more than there is."""

from __future__ import annotations

import threading
from contextlib import closing
from uuid import uuid4

import pytest

from databases import backend_on
from prefect._api.api import Api
from prefect._api.artifacts import (
    create_artifact,
    delete_artifact,
    read_latest_artifact,
    read_latest_artifacts,
)
from prefect._api.block_documents import (
    create_block_document,
    read_block_document_by_id,
    read_block_documents,
)
from prefect._api.block_types import create_block_schema, create_block_type
from prefect._api.concurrency import insert, read_all_concurrency_limits_v2
from prefect._api.tag_limits import create_concurrency_limit, read_concurrency_limits
from prefect._backend import slots
from prefect._backend.slots import Full, Holder, Never, Taken
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._storage import concurrency, migrate
from prefect._storage.concurrency import LEASES, SLOTS
from prefect.model.requests.artifacts import ArtifactCreate
from prefect.model.requests.blocks import BlockDocumentCreate, BlockSchemaCreate, BlockTypeCreate
from prefect.model.requests.concurrency import ConcurrencyLimitCreate


@pytest.fixture
def api(store):
    """The API on that store."""
    backend = backend_on(store)
    yield Api(backend)
    backend.close()


def limit(store, name, count, decay=0.0):
    with store.write() as cx:
        return insert(cx, name, count, decay=decay)


def take(store, *names, count=1, **more):
    with store.write() as cx:
        return slots.take(cx, names, count, **more)


def taken(store, one):
    return concurrency.whole(concurrency.levels(store, [one.id], now_us()).get(one.id, 0.0))


def test_slots_are_taken_together_and_given_back(store):
    wide, narrow = limit(store, "wide", 3), limit(store, "narrow", 1)
    lease = take(store, "wide", "narrow", "none", seconds=60)
    assert [one.name for one in lease.limits] == ["narrow", "wide"]
    assert isinstance(take(store, "wide", "narrow"), Full)
    assert isinstance(take(store, "narrow", count=2), Never)
    assert (taken(store, wide), taken(store, narrow)) == (1, 1)
    with store.write() as cx:
        slots.give_back(cx, lease.lease_id)
    assert (taken(store, wide), taken(store, narrow)) == (0, 0)
    assert LEASES.count(store) == SLOTS.count(store) == 0


def test_leases_and_rates_run_out(store):
    held, rate = limit(store, "held", 2), limit(store, "rate", 4, decay=2.0)
    with use_clock(VirtualClock(now_us())) as clock:
        lease = take(store, "held", count=2, seconds=60)
        assert isinstance(take(store, "rate", count=3, mode="rate_limit"), Taken)
        clock.advance(0.6)
        assert taken(store, rate) == 2
        refused = take(store, "rate", count=3, mode="rate_limit")
        assert isinstance(refused, Full)
        assert 0.3 < refused.retry_after < 0.5
        with store.write() as cx:
            assert concurrency.renew(cx, lease.lease_id, now_us() + 100_000_000, now_us())
        clock.advance(99)
        assert taken(store, held) == 2
        clock.advance(2)
        assert (taken(store, held), taken(store, rate)) == (0, 0)
        with store.write() as cx:
            assert not concurrency.renew(cx, lease.lease_id, now_us() + 1, now_us())
            assert concurrency.release_expired(cx, now_us()) == 1
    assert LEASES.count(store) == SLOTS.count(store) == 0


def test_two_processes_of_four_threads_never_hold_more_than_there_is(opened):
    stores = [opened(), opened()]
    most_of = {"a": 3, "b": 2}
    limits = {name: limit(stores[0], name, count) for name, count in most_of.items()}
    lock, inside, most, done = threading.Lock(), dict.fromkeys(most_of, 0), dict.fromkeys(most_of, 0), []
    failures: list[BaseException] = []

    def move(names, by):
        with lock:
            for name in names:
                inside[name] += by
                most[name] = max(most[name], inside[name])

    def work(number):
        store, names = stores[number % 2], ["b", "a"] if number % 3 else ["a"]
        try:
            for _ in range(15):
                answer = None
                while not isinstance(answer, Taken):
                    answer = take(store, *names, seconds=60, holder=Holder("flow_run", b"%16d" % number))
                    assert isinstance(answer, Taken | Full)
                move(names, 1)
                move(names, -1)
                with store.write() as cx:
                    slots.give_back(cx, answer.lease_id)
            done.append(number)
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert sorted(done) == list(range(8))
    assert all(0 < most[name] <= count for name, count in most_of.items())
    assert [taken(stores[0], one) for one in limits.values()] == [0, 0]


def test_limits_are_listed(api, store):
    limit(store, "x", 1)
    create_concurrency_limit(api, ConcurrencyLimitCreate(tag="t", concurrency_limit=2))
    assert [one.name for one in read_all_concurrency_limits_v2(api)] == ["tag:t", "x"]
    assert [(one.tag, one.concurrency_limit) for one in read_concurrency_limits(api)] == [("t", 2)]


def test_the_latest_artifact_of_a_key(api):
    first, second = (create_artifact(api, ArtifactCreate(key="k", data={"n": n})) for n in (1, 2))
    assert read_latest_artifact(api, "k") == second
    delete_artifact(api, second.id)
    assert read_latest_artifact(api, "k") == first
    assert [one.latest_id for one in read_latest_artifacts(api)] == [first.id]


def test_blocks_are_kept_with_their_types(api):
    kind = create_block_type(api, BlockTypeCreate(name="Kind", slug="kind"))
    schema = create_block_schema(
        api, BlockSchemaCreate(fields={"secret_fields": ["pw"]}, block_type_id=kind.id, capabilities=["c"])
    )
    create_block_document(
        api,
        BlockDocumentCreate(name="n", data={"pw": "s"}, block_schema_id=schema.id, block_type_id=kind.id),
    )
    (read,) = read_block_documents(api)
    assert (read.name, read.data, read.block_schema.capabilities) == ("n", {"pw": "********"}, ["c"])


def test_blocks_of_an_older_store_are_kept_with_all_of_their_fields_secret(opened, new_url, monkeypatch):
    id = uuid4()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "newest", lambda: 8)
        before = opened()
        with before.write() as cx:
            cx.execute(
                "INSERT INTO block_document (id, type_slug, name, data, created, updated) VALUES (?,?,?,?,?,?)",
                (id.bytes, "credentials", "old", '{"user":"u","password":"p"}', 1, 2),
            )
        before.close()
    with closing(backend_on(opened())) as backend:
        (hidden,) = read_block_documents(Api(backend))
        read = read_block_document_by_id(Api(backend), id, include_secrets=True)
    assert hidden.data == {"user": "********", "password": "********"}
    assert (read.name, read.block_type.slug) == ("old", "credentials")
    assert read.data == {"user": "u", "password": "p"}


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_sum_of_slots_is_looked_up_by_limit(store):
    plan = store.rows(
        "EXPLAIN QUERY PLAN SELECT SUM(slots) FROM concurrency_slot WHERE limit_id IN (?,?) AND expires > ?",
        (b"", b"", 0),
    )
    assert "SEARCH concurrency_slot USING PRIMARY KEY" in str(plan)

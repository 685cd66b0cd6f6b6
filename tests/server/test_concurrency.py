"""Concurrency limits: leases, decay, tags; and many who want the same slots."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from prefect._backend import slots
from prefect._backend.slots import Taken
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._storage import concurrency
from prefect._storage.concurrency import LEASES, SLOTS
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.exceptions import ObjectNotFound

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture
def clock():
    with use_clock(VirtualClock()) as moved:
        yield moved


def made(http, name, limit, **more):
    answer = http.post("/v2/concurrency_limits/", json={"name": name, "limit": limit, **more})
    assert answer.status_code == 201
    return answer.json()


def taken(http, *names, slots=1, **more):
    body = {"names": names, "slots": slots, **more}
    return http.post("/v2/concurrency_limits/increment-with-lease", json=body)


def active(http, name):
    return http.get(f"/v2/concurrency_limits/{name}").json()["active_slots"]


def test_a_limit_is_made_read_changed_and_removed(http):
    limit = made(http, "plain", 2)
    assert (limit["active_slots"], limit["denied_slots"], limit["avg_slot_occupancy_seconds"]) == (0, 0, 2.0)
    by_name = http.get("/v2/concurrency_limits/plain").json()
    assert by_name == http.get(f"/v2/concurrency_limits/{limit['id']}").json()
    assert by_name.keys() == {
        "id", "created", "updated", "active", "name", "limit", "active_slots", "slot_decay_per_second",
    }  # fmt: skip
    assert http.patch("/v2/concurrency_limits/plain", json={"limit": 5, "active": False}).status_code == 204
    read = http.get("/v2/concurrency_limits/plain").json()
    assert (read["limit"], read["active"]) == (5, False)
    assert http.delete("/v2/concurrency_limits/plain").status_code == 204
    gone = http.get("/v2/concurrency_limits/plain")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Concurrency Limit not found"})


def test_names_are_taken_once_and_listed_in_order(http):
    made(http, "once-b", 1)
    made(http, "once-a", 1)
    assert http.post("/v2/concurrency_limits/", json={"name": "once-a", "limit": 1}).status_code == 409
    assert http.patch("/v2/concurrency_limits/once-a", json={"name": "once-b"}).status_code == 409
    names = [one["name"] for one in http.post("/v2/concurrency_limits/filter", json={}).json()]
    assert names == sorted(names)
    assert {"once-a", "once-b"} <= set(names)


def test_a_full_limit_is_locked_until_a_lease_is_given_back(http):
    made(http, "two", 2)
    first, second = taken(http, "two"), taken(http, "two")
    assert first.status_code == second.status_code == 200
    assert first.json()["limits"] == [{"id": first.json()["limits"][0]["id"], "name": "two", "limit": 2}]
    full = taken(http, "two")
    assert (full.status_code, full.json()) == (423, {"detail": "Locked"})
    assert 0 < float(full.headers["Retry-After"]) <= 30
    lease = {"lease_id": first.json()["lease_id"]}
    for _ in range(2):  # the second time there is nothing to give back
        assert http.post("/v2/concurrency_limits/decrement-with-lease", json=lease).status_code == 204
        assert active(http, "two") == 1
    assert taken(http, "two").status_code == 200


def test_several_limits_are_taken_together_or_not_at_all(http):
    made(http, "wide", 5)
    made(http, "narrow", 1)
    assert taken(http, "wide", "narrow", "unheard-of").status_code == 200
    assert taken(http, "wide", "narrow").status_code == 423
    assert (active(http, "wide"), active(http, "narrow")) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [{"slots": 0}, {"slots": -1}, {"names": []}, {"lease_duration": 10}, {"mode": "other"}, {"slots": 3}],
)
def test_what_cannot_be_is_refused(http, wrong):
    http.post("/v2/concurrency_limits/", json={"name": "few", "limit": 2})
    body = {"names": ["few"], "slots": 1, **wrong}
    assert http.post("/v2/concurrency_limits/increment-with-lease", json=body).status_code == 422
    assert active(http, "few") == 0


def test_a_limit_that_is_off_lets_everybody_pass(http):
    made(http, "off", 1, active=False)
    assert taken(http, "off", slots=9).status_code == 200
    assert active(http, "off") == 0


def test_a_lease_lives_as_long_as_it_is_renewed(http, clock):
    made(http, "leased", 1)
    lease = taken(http, "leased", lease_duration=60).json()["lease_id"]
    renew = f"/v2/concurrency_limits/leases/{lease}/renew"
    clock.advance(50)
    assert http.post(renew, json={"lease_duration": 60}).status_code == 204
    clock.advance(50)
    assert active(http, "leased") == 1
    clock.advance(11)
    assert active(http, "leased") == 0
    ended = http.post(renew)
    assert (ended.status_code, "may have expired" in ended.json()["detail"]) == (410, True)
    assert taken(http, "leased").status_code == 200  # before anybody has cleaned up


def test_a_lease_on_nothing_can_be_renewed(http):
    lease = taken(http, "nobody-made-this").json()
    assert lease["limits"] == []
    assert http.post(f"/v2/concurrency_limits/leases/{lease['lease_id']}/renew").status_code == 204


def test_the_repossessor_removes_what_has_expired(http, backend, clock):
    made(http, "repossessed", 3)
    lease = taken(http, "repossessed", slots=2, lease_duration=60).json()["lease_id"]
    kept = taken(http, "repossessed", lease_duration=600).json()["lease_id"]
    clock.advance(61)
    with backend.store.write() as cx:
        assert concurrency.release_expired(cx, now_us()) >= 1
    known = [one.id.hex() for one in LEASES.find(backend.store)]
    assert kept.replace("-", "") in known
    assert lease.replace("-", "") not in known
    assert all(
        slot.lease_id.hex() != lease.replace("-", "") for slot in SLOTS.find(backend.store, order="lease_id")
    )


def test_setting_the_active_slots_revokes_leases(http):
    made(http, "revoked", 4)
    first, second = (taken(http, "revoked", slots=2).json()["lease_id"] for _ in range(2))
    assert http.patch("/v2/concurrency_limits/revoked", json={"active_slots": 3}).status_code == 204
    assert active(http, "revoked") == 3
    assert http.post(f"/v2/concurrency_limits/leases/{first}/renew").status_code == 410
    assert http.post(f"/v2/concurrency_limits/leases/{second}/renew").status_code == 204
    http.patch("/v2/concurrency_limits/revoked", json={"active_slots": 0})
    assert active(http, "revoked") == 0


def test_slots_of_a_rate_limit_decay(http, clock):
    made(http, "rate", 2, slot_decay_per_second=0.5)

    def passes(slots):
        body = {"names": ["rate"], "slots": slots, "mode": "rate_limit"}
        return http.post("/v2/concurrency_limits/increment", json=body)

    assert passes(2).status_code == 200
    one, two = passes(1), passes(2)
    assert (one.status_code, two.status_code) == (423, 423)
    assert 1.9 < float(one.headers["Retry-After"]) < 2.3
    assert 3.9 < float(two.headers["Retry-After"]) < 4.5
    clock.advance(1)
    assert active(http, "rate") == 2  # half a slot is taken
    clock.advance(1)
    assert active(http, "rate") == 1
    assert passes(1).status_code == 200
    assert passes(1).status_code == 423
    clock.advance(4)
    assert active(http, "rate") == 0


def test_a_rate_is_kept_over_a_long_time(http, backend, clock):
    made(http, "steady", 5, slot_decay_per_second=10)
    passed = 0
    for _ in range(200):
        with backend.store.write() as cx:
            passed += isinstance(slots.take(cx, ["steady"], 1, mode="rate_limit"), Taken)
        clock.advance(0.05)
    assert passed == pytest.approx(5 + 10 * 10, abs=2)
    assert SLOTS.count(backend.store, [concurrency.clauses.compare("decays", "=", 1)]) < 20


def test_a_faster_decay_frees_what_is_taken(http, clock):
    made(http, "faster", 10, slot_decay_per_second=0.1, active_slots=10)
    http.patch("/v2/concurrency_limits/faster", json={"slot_decay_per_second": 10})
    assert active(http, "faster") == 10
    clock.advance(1)
    assert active(http, "faster") == 0


def test_only_what_decays_limits_a_rate(http):
    made(http, "no-decay", 2)
    body = {"names": ["no-decay", "unknown"], "slots": 1, "mode": "rate_limit"}
    refused = http.post("/v2/concurrency_limits/increment", json=body)
    assert refused.status_code == 422
    assert "'no-decay'" in refused.json()["detail"]


def test_slots_without_a_lease_are_counted_back(http):
    made(http, "counted", 3)
    body = {"names": ["counted", "unknown"], "slots": 2}
    assert [one["name"] for one in http.post("/v2/concurrency_limits/increment", json=body).json()] == [
        "counted"
    ]
    assert http.post("/v2/concurrency_limits/increment", json=body).status_code == 423
    less = {"names": ["counted"], "slots": 1, "occupancy_seconds": 3}
    assert http.post("/v2/concurrency_limits/decrement", json=less).status_code == 200
    assert active(http, "counted") == 1
    http.post("/v2/concurrency_limits/decrement", json={**less, "slots": 9})
    assert active(http, "counted") == 0


def test_a_lease_is_not_counted_back(http):
    made(http, "mine", 3)
    taken(http, "mine")
    http.post("/v2/concurrency_limits/decrement", json={"names": ["mine"], "slots": 1})
    assert active(http, "mine") == 1


def test_who_is_refused_asks_again_as_slots_become_free(backend, http, clock):
    made(http, "learning", 1)
    for _ in range(60):
        lease = taken(http, "learning").json()["lease_id"]
        clock.advance(20)
        http.post("/v2/concurrency_limits/decrement-with-lease", json={"lease_id": lease})
    taken(http, "learning")
    assert 14 < float(taken(http, "learning").headers["Retry-After"]) <= 30


def test_a_tag_is_limited_by_the_limit_of_its_name(http):
    created = http.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 2})
    assert (created.status_code, created.json()["active_slots"]) == (201, [])
    again = http.post("/concurrency_limits/", json={"tag": "db", "concurrency_limit": 1})
    assert (again.status_code, again.json()["id"]) == (200, created.json()["id"])
    assert http.get("/v2/concurrency_limits/tag:db").json()["limit"] == 1
    assert http.get(f"/concurrency_limits/{created.json()['id']}").json()["tag"] == "db"
    assert [one["tag"] for one in http.post("/concurrency_limits/filter", json={}).json()] == ["db"]
    assert http.delete("/concurrency_limits/tag/db").status_code == 200
    gone = http.get("/concurrency_limits/tag/db")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Concurrency limit not found"})


def test_task_runs_hold_the_slots_of_a_tag(http):
    http.post("/concurrency_limits/", json={"tag": "t", "concurrency_limit": 1})
    first, second = str(uuid4()), str(uuid4())

    def asks(task_run_id, path="increment"):
        body = {"names": ["t", "free"], "task_run_id": task_run_id}
        return http.post(f"/concurrency_limits/{path}", json=body)

    assert [one["name"] for one in asks(first).json()] == ["t"]
    assert asks(first).status_code == 200  # it has one already
    full = asks(second)
    assert (full.status_code, full.headers["Retry-After"]) == (423, "10.0")
    assert full.json() == {"detail": "Concurrency limit for the t tag has been reached"}
    assert http.get("/concurrency_limits/tag/t").json()["active_slots"] == [first]
    assert asks(first, "decrement").status_code == 200
    assert asks(second).status_code == 200
    http.post("/concurrency_limits/tag/t/reset", json={"slot_override": [first, second]})
    assert http.get("/concurrency_limits/tag/t").json()["active_slots"] == [first, second]
    http.post("/concurrency_limits/tag/t/reset")
    assert http.get("/concurrency_limits/tag/t").json()["active_slots"] == []


def test_a_tag_with_no_slots_is_refused_for_good(http):
    http.post("/concurrency_limits/", json={"tag": "none", "concurrency_limit": 0})
    refused = http.post(
        "/concurrency_limits/increment", json={"names": ["none"], "task_run_id": str(uuid4())}
    )
    assert (refused.status_code, "Retry-After" in refused.headers) == (423, False)


def test_the_client_makes_changes_and_removes_named_limits(client):
    id = client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="of-client", limit=1))
    assert client.read_global_concurrency_limit_by_name("of-client").id == id
    client.update_global_concurrency_limit("of-client", GlobalConcurrencyLimitUpdate(limit=2))
    client.upsert_global_concurrency_limit_by_name("of-client", 3)
    client.upsert_global_concurrency_limit_by_name("of-client-too", 1, slot_decay_per_second=0.5)
    limits = {one.name: one.limit for one in client.read_global_concurrency_limits(limit=200)}
    assert (limits["of-client"], limits["of-client-too"]) == (3, 1)
    client.delete_global_concurrency_limit_by_name("of-client")
    with pytest.raises(ObjectNotFound):
        client.delete_global_concurrency_limit_by_name("of-client")


def test_the_client_takes_keeps_and_gives_back(client):
    client.upsert_global_concurrency_limit_by_name("taken", 2)
    holder = ConcurrencyLeaseHolder(type="flow_run", id=uuid4())
    answer = client.increment_concurrency_slots_with_lease(["taken"], 2, "concurrency", 60, holder)
    lease_id = UUID(answer.json()["lease_id"])
    assert client.renew_concurrency_lease(lease_id, 90).status_code == 204
    assert client.read_global_concurrency_limit_by_name("taken").active_slots == 2
    assert client.release_concurrency_slots_with_lease(lease_id).status_code == 204
    assert client.increment_concurrency_slots(["taken"], 1, "concurrency").json()[0]["name"] == "taken"
    client.release_concurrency_slots(["taken"], 1, occupancy_seconds=0.5)
    assert client.read_global_concurrency_limit_by_name("taken").active_slots == 0


def test_the_client_limits_tags(client):
    run = uuid4()
    id = client.create_concurrency_limit("gpu", 1)
    client.increment_v1_concurrency_slots(["gpu"], run)
    read = client.read_concurrency_limit_by_tag("gpu")
    assert (read.id, read.active_slots) == (id, [run])
    client.decrement_v1_concurrency_slots(["gpu"], run, 1.0)
    client.reset_concurrency_limit_by_tag("gpu", [str(run)])
    assert [one.active_slots for one in client.read_concurrency_limits(10, 0) if one.tag == "gpu"] == [[run]]
    client.delete_concurrency_limit_by_tag("gpu")
    with pytest.raises(ObjectNotFound):
        client.read_concurrency_limit_by_tag("gpu")


def test_looking_at_limits_needs_no_scan_of_slots(sqlite_only, backend, http):
    made(http, "indexed", 1)
    plan = " ".join(
        str(row[-1])
        for row in backend.store.rows(
            "EXPLAIN QUERY PLAN SELECT MAX(expires) FROM concurrency_slot"
            " WHERE limit_id = ? AND decays = 1 AND expires > ?",
            (b"", 0),
        )
    )
    assert "SEARCH concurrency_slot USING PRIMARY KEY" in plan

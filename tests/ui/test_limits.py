"""The pages of concurrency limits."""

from __future__ import annotations

from uuid import uuid4

from prefect._api.api import Api
from prefect._api.concurrency import create_concurrency_limit_v2, increment_with_lease
from prefect._api.ui_limits import read_limit_use
from prefect._backend.turns import Wish
from prefect._base.ids import new_id
from prefect.model.requests.concurrency import ConcurrencyLimitV2Create, IncrementWithLease

LIST = "/concurrency-limits"


def made(backend, name: str, limit: int = 1) -> str:
    body = ConcurrencyLimitV2Create(name=name, limit=limit)
    return f"{LIST}/concurrency-limit/{create_concurrency_limit_v2(Api(backend), body).id}"


def test_a_limit_is_added_changed_switched_and_deleted(reader):
    name = f"limit-{uuid4().hex[:8]}"
    page = reader.send_form(LIST, LIST, name=name, limit="3", decay="", kind="name")
    assert f"Limit {name} was made: 3 at once." in page.text
    (at,) = [part.split('"')[0] for part in page.text.split('href="') if f">{name}<" in part[:120]]
    page = reader.send_form(at, at, name=name, limit="5", decay="0.5")
    assert f"Limit {name} was changed." in page.text
    assert "0.5 per second" in page.text
    assert f"Limit {name} is off." in reader.send_form(at, f"{at}/switch").text
    assert "everybody passes" in reader.get(at).text
    assert f"Limit {name} was deleted." in reader.send_form(at, f"{at}/delete").text
    assert reader.get(at).status_code == 404


def test_a_limit_on_a_tag_is_one_of_task_runs(reader):
    tag = f"tag-{uuid4().hex[:8]}"
    reader.send_form(LIST, LIST, name=tag, limit="1", kind="tag")
    assert "Task runs with a tag" in reader.get(f"{LIST}/concurrency-limit/tag%3A{tag}").text


def test_what_cannot_be_is_said_and_not_done(reader, backend):
    name = f"limit-{uuid4().hex[:8]}"
    made(backend, name)
    again = reader.send_form(LIST, LIST, name=name, limit="1", kind="name")
    assert "already exists" in again.text
    wrong = reader.send_form(LIST, LIST, name=name, limit="many", kind="name")
    assert "Limit: Input should be a valid integer" in wrong.text


def test_who_holds_a_slot_and_who_waits_is_shown_until_it_is_reset(reader, backend):
    name = f"limit-{uuid4().hex[:8]}"
    at = made(backend, name)
    increment_with_lease(Api(backend), IncrementWithLease(slots=1, names=[name]))
    waiter = backend.room.ask(Wish(new_id(), (name,), 1, "concurrency"), longest_wait=30)
    try:
        use = read_limit_use(Api(backend), name)
        assert (use.holding, use.waiting, use.active_slots) == (1, 1, 1)
        shown = reader.get(f"{LIST}?q={name}").text
        assert "full" in shown
        assert "no run" in shown  # nobody has said who they are
    finally:
        backend.room.leave(waiter, for_good=True)
    assert f"All slots of limit {name} are free." in reader.send_form(at, f"{at}/reset").text
    assert read_limit_use(Api(backend), name).holding == 0

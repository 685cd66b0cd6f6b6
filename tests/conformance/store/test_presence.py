"""The lease of a process: taken by its first run, renewed by `tick`, never before it was taken."""

from __future__ import annotations

import logging

import pytest

from prefect._backend.presence import Presence
from prefect._base.clock import VirtualClock, use_clock
from prefect._storage import processes


@pytest.fixture
def clock():
    with use_clock(VirtualClock()) as clock:
        yield clock


def test_a_run_that_is_entered_before_the_lease_is_taken_renews_nothing(store, clock, caplog):
    presence = Presence(store, lease_seconds=30, poll_seconds=1)
    presence.enter(b"r" * 16, lambda: None)
    with caplog.at_level(logging.WARNING, logger="prefect.journal"):
        presence.tick()
    assert caplog.records == []
    assert processes.others(store, None) == []


def test_a_lease_is_renewed_when_a_third_of_it_is_gone(store, clock):
    presence = Presence(store, lease_seconds=30, poll_seconds=1)
    presence.enter(b"r" * 16, lambda: None)
    with store.write() as cx:
        presence.register(cx)
    (taken,) = processes.others(store, None)
    presence.tick()
    assert processes.others(store, None) == [taken]
    clock.advance(11)
    presence.tick()
    (renewed,) = processes.others(store, None)
    assert renewed.lease_until - taken.lease_until > 10_000_000


def test_it_looks_once_more_after_the_last_run_so_that_the_next_one_need_not_wake_it(store, clock):
    presence = Presence(store, lease_seconds=30, poll_seconds=1)
    assert presence.seconds_to_next() is None
    assert not presence.enter(b"r" * 16, lambda: None)
    presence.tick()
    presence.leave(b"r" * 16)
    assert presence.seconds_to_next() == 1
    assert presence.enter(b"s" * 16, lambda: None)
    presence.leave(b"s" * 16)
    presence.tick()
    assert presence.seconds_to_next() is None
    assert not presence.enter(b"t" * 16, lambda: None)

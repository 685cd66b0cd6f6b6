"""Servers and databases that are killed again and again under many flows: none fails for it, no row is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.invariants import Watch
from faults.outage import Outage, outage
from faults.storm import FULL, SMALL, Size, check_all_on_record, figures, storm

SIZES = [pytest.param(SMALL, id="small"), pytest.param(FULL, id="full", marks=pytest.mark.slow)]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").fresh()
    (tmp_path / "server").mkdir()
    return f"sqlite:///{tmp_path / 'server' / 'pluperfect.db'}"


@pytest.fixture
def away(database: str, tmp_path: Path) -> Iterator[Outage]:
    """A server on it, which is up."""
    with outage(tmp_path, database) as made:
        made.start_server()
        yield made


@pytest.mark.parametrize("size", SIZES)
def test_a_server_that_is_killed_every_two_seconds(away: Outage, size: Size, tmp_path: Path):
    watch = Watch(away.database)

    def kill_and_restart() -> None:
        away.kill_server()
        watch.look()
        away.start_server(wait=False)

    with storm(size, tmp_path / "words", away.environment(away.home, PREFECT_API_URL=away.url)) as flows:
        every, most = (2, 30) if size is FULL else (1.5, 2)
        kills = flows.strike(kill_and_restart, every=every, most=most)
        seconds = flows.end()
    assert kills >= (10 if size is FULL else 1)
    deliver_the_rest(away)
    check_all_on_record(away.database, size, watch)
    figures("server killed", **size._asdict(), kills=kills, took=f"{seconds:.0f} s", looks=watch.looks)


def deliver_the_rest(away: Outage) -> None:
    """What a process that has ended could not deliver is delivered by the next."""
    away.await_server()
    away.command("flow-run", "ls")
    assert away.spilled() == []

"""Servers and databases that are killed again and again under many flows: none fails for it, no row is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from databases import Postgres
from faults.invariants import Watch
from faults.outage import Outage, outage
from faults.storm import FULL, SMALL, Size, check_all_on_record, figures, storm

SIZES = [pytest.param(SMALL, id="small"), pytest.param(FULL, id="full", marks=pytest.mark.slow)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
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
        every, most = (2, 30) if size is FULL else (1, 2)
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


def crash_and_start(postgres: Postgres, watch: Watch) -> None:
    """What `crash` leaves is recovered; what had ended must be there."""
    postgres.crash()
    postgres.start()
    watch.look()


@pytest.mark.slow  # a quarter of a minute or more each
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("over", ["http", "database"])
def test_a_postgres_that_crashes_every_five_seconds(
    postgres: Postgres, tmp_path: Path, size: Size, over: str
):
    url = postgres.fresh()
    with outage(tmp_path, url) as away:
        if over == "http":
            away.start_server()
            environment = away.environment(away.home, PREFECT_API_URL=away.url)
        else:
            environment = away.environment(away.home, PREFECT_API_DATABASE_CONNECTION_URL=url)
        watch = Watch(url)
        with storm(size, tmp_path / "words", environment) as flows:
            every, most = (5, 15) if size is FULL else (0.5, 2)
            crashes = flows.strike(partial(crash_and_start, postgres, watch), every=every, most=most)
            seconds = flows.end()
        assert crashes >= (5 if size is FULL else 1)
        if over == "http":
            deliver_the_rest(away)
        check_all_on_record(url, size, watch)
    figures(f"Postgres crashed, over {over}", **size._asdict(), crashes=crashes, took=f"{seconds:.0f} s")

"""A short fuzz of the websockets, of a real server: `make fuzz` is the long one."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fuzz.frames import PATHS, Fuzz
from fuzz.run import USER, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server of its own process: its URL, and what it logs to."""
    with serving(tmp_path_factory.mktemp("frames")) as found:
        yield found


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_comes_the_server_closes_as_the_protocol_says(served: tuple[str, Path], seed: int):
    url, log = served
    fuzzing = Fuzz(("127.0.0.1", urlsplit(url).port or 0), USER, seed)
    fuzzing.talk(1000)
    assert fuzzing.found == []
    assert {1002, 1007, 1008, 4001, "open", "refused"} <= set(fuzzing.endings)
    with contextlib.closing(urllib.request.urlopen(f"{url}/api/health")) as answer:
        assert answer.read() == b"true"
    said = log.read_text(errors="replace")
    assert "Traceback" not in said
    assert "| ERROR " not in said


def test_every_websocket_of_the_server_is_fuzzed():
    from prefect.server.channels import socket_routes

    public = [route.path for route in socket_routes(lambda: None, "") if "pluperfect" not in route.path]
    assert sorted(public) == sorted(PATHS)

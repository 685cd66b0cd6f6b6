"""The pytest plugin: what a user's test gets from each fixture, seen from a test run of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
SOURCE = Path(sys.modules["prefect"].__path__[0]).parent
PLUGIN = "prefect.testing.pytest_plugin"

FLAKY = """
    import time
    import pytest
    from prefect import flow, task
    from prefect.client.schemas.objects import State

    @task(retries=2, retry_delay_seconds=3600)
    def flaky(seen: list) -> int:
        seen.append(1)
        if len(seen) < 3:
            raise ValueError("not yet")
        return 42

    @flow
    def calls_flaky() -> int:
        return flaky([])
"""


@pytest.fixture
def outcome(pytester: pytest.Pytester):
    """Run a test file with the plugin in a process of its own, and count what became of its tests."""

    def run(code: str, *arguments: str) -> dict[str, int]:
        pytester.makepyfile(code)
        loaded = [] if _is_installed() else ["-p", PLUGIN]
        path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", path)
            ended = pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider", *arguments, timeout=60)
        return ended.parseoutcomes()

    return run


def _is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.value == PLUGIN for point in entry_points(group="pytest11"))


def test_the_plugin_imports_nothing_of_the_engine():
    code = f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; print(*sorted(set(sys.modules) - before))"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(loaded) <= {"prefect", "prefect._version", "prefect.testing", PLUGIN}


def test_each_test_has_an_empty_store_of_its_own(outcome):
    code = """
        import pytest
        from prefect import flow
        from prefect._backend.resolve import backend
        from prefect.settings import get_current_settings

        @flow
        def one() -> int:
            return 1

        @pytest.mark.parametrize("again", [1, 2])
        def test_store(prefect_store, again):
            assert one() == 1
            assert len(backend().find_flow_runs(limit=None)) == 1
            assert get_current_settings().terminal.live is False
    """
    assert outcome(code) == {"passed": 2}


def test_virtual_time_costs_nothing(outcome):
    code = (
        FLAKY
        + """
    def test_task(prefect_store, virtual_time):
        began, clock = time.monotonic(), virtual_time.now_us()
        assert calls_flaky() == 42
        assert time.monotonic() - began < 30
        assert virtual_time.now_us() - clock > 2 * 3600 * 1_000_000

    def test_submitted_task(prefect_store, virtual_time):
        @flow
        def submits() -> int:
            return flaky.submit([]).result()

        assert submits() == 42

    def test_flow(prefect_store, virtual_time):
        seen = []

        @flow(retries=2, retry_delay_seconds=3600)
        def retried() -> int:
            seen.append(1)
            if len(seen) < 3:
                raise ValueError("not yet")
            return 42

        assert retried() == 42

    def test_async_flow(prefect_store, virtual_time):
        import asyncio
        seen = []

        @task(retries=1, retry_delay_seconds=3600)
        async def flaky_async() -> int:
            seen.append(1)
            if len(seen) < 2:
                raise ValueError("not yet")
            return 1

        @flow(retries=1, retry_delay_seconds=3600)
        async def retried() -> int:
            value = await flaky_async()
            seen.append(2)
            if seen.count(2) < 2:
                raise ValueError("not yet")
            return value

        assert asyncio.run(retried()) == 1
    """
    )
    assert outcome(code) == {"passed": 4}


@pytest.mark.parametrize("how", ["command line", "configuration"])
def test_waits_are_skipped_everywhere_on_request(outcome, pytester, how):
    code = FLAKY + "\n    def test_it(prefect_store):\n        assert calls_flaky() == 42\n"
    if how == "configuration":
        pytester.makeini("[pytest]\nprefect_skip_waits = true")
    assert outcome(code, *(["--prefect-skip-waits"] if how == "command line" else [])) == {"passed": 1}


def test_the_crash_test_is_a_fixture(outcome):
    code = """
        from prefect import flow, task

        @task
        def one() -> int:
            return 1

        @flow
        def pipeline(extra: int) -> int:
            return one() + extra

        def test_pipeline_survives(crash_test):
            crash_test(pipeline, {"extra": 1}, points=["flow_run.before_finish"]).assert_ok()
    """
    assert outcome(code) == {"passed": 1}
